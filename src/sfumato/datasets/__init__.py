"""Images from elsewhere: the IDX files of MNIST and its kin, and folders of pictures."""
