/* Moves the bar of an import while it runs, and loads the page anew when it has ended. */
(function () {
  "use strict";
  const EVERY = 1500; /* milliseconds */
  const box = document.querySelector("[data-progress]");
  if (!box) return;
  const bar = box.querySelector("progress");
  const text = box.querySelector("[data-text]");
  const hint = box.querySelector("[data-hint]");
  const spoken = box.querySelector("[data-spoken]");
  let quarter = null;

  function write(element, words) {
    if (element.textContent !== words) element.textContent = words;
  }

  /* A screen reader hears each quarter and each new sentence, not each row. */
  function speak(progress) {
    const now = progress.percent === null ? progress.text : Math.floor(progress.percent / 25);
    if (now !== quarter) write(spoken, progress.text);
    quarter = now;
  }

  async function look() {
    try {
      const answer = await fetch(box.dataset.progress, { headers: { Accept: "application/json" }, redirect: "error" });
      if (!answer.ok) {
        window.location.reload();
        return;
      }
      const progress = await answer.json();
      if (!progress.busy) {
        window.location.reload();
        return;
      }
      if (progress.percent === null) bar.removeAttribute("value");
      else bar.value = progress.percent;
      write(text, progress.text);
      write(hint, progress.hint);
      speak(progress);
    } catch (problem) {
      /* No connection for a moment: the import goes on without this page. */
    }
    window.setTimeout(look, EVERY);
  }

  window.setTimeout(look, EVERY);
})();
