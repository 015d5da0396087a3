"""How good generated images are: pure functions over arrays, one concept a file.

Images are float32 in [-1, 1], (N, H, W, C). Functions that take images, but for `likelihood.terms`,
round them first to the 256 levels of a PNG with `quantise`, so that real and generated ones are
compared as they would be seen, and not by details that no file keeps.

There is no common standard for small grey images, so this project sets one: a small classifier,
trained on the real training images (`classifier`), whose last hidden layer gives 64 features an
image. The Frechet distance between such features is called FD-LeNet. It is not FID, and can be
compared only with values from the same classifier, at the same number of images.

    frechet, kernel, neighbours      two sets of features (N, D)
    classes                          labels and probabilities
    memorisation, two_sample         the images themselves
    bootstrap                        how sure any of these numbers is
    features, parts, run_names       what others share
    likelihood, flow, bits           how likely images are, `likelihoods` for all sets
    scores, evaluate                 all of them, of arrays and of files
    metrics, quality, tables         what is written of one run, of all runs, and for people
    lenet, classifier(_training)     the classifier
"""
