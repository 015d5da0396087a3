"use strict";
const dialog = document.querySelector("dialog");
const [title, image, text, copy] = ["h2", "img", "pre", ".copy"].map((name) => dialog.querySelector(name));

for (const button of document.querySelectorAll(".picture")) {
  button.addEventListener("click", () => {
    const shown = button.querySelector("img");
    title.textContent = button.dataset.picture;
    image.src = shown.getAttribute("src");
    image.alt = shown.alt;
    text.textContent = button.parentElement.querySelector(".explanation").textContent;
    copy.textContent = "Copy what made it";
    dialog.showModal();
    dialog.scrollTop = 0;
  });
}
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
copy.addEventListener("click", () => {
  const range = document.createRange();
  range.selectNodeContents(text);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
  copy.textContent = document.execCommand("copy") ? "Copied" : "Selected";
});

for (const each of document.querySelectorAll(".trajectory")) {
  const times = each.dataset.times.split(" ");
  const [frame, slider, said] = [".frame", "input", "output"].map((name) => each.querySelector(name));
  const show = () => {
    const i = Number(slider.value);
    frame.style.backgroundPosition = `${100 * i / Math.max(1, times.length - 1)}% 0`;
    said.textContent = Number(times[i]) < 0 ? "x_0" : `t = ${times[i]}`;
    slider.setAttribute("aria-valuetext", said.textContent);
  };
  slider.addEventListener("input", show);
  show();
}
