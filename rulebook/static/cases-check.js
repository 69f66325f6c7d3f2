/* "Is this right?": a source that is known has its time zone and customers, so they are said and not asked. */
(function () {
  "use strict";
  const form = document.querySelector("[data-check]");
  if (!form) return;
  const known = JSON.parse(document.getElementById("known-sources").textContent);
  const source = form.querySelector("[name=source]");
  const fixed = form.querySelector("[data-fixed]");
  const asked = form.querySelector("[data-new-source]");

  function tell() {
    const sentence = Object.hasOwn(known, source.value.trim()) ? known[source.value.trim()] : "";
    fixed.textContent = sentence;
    fixed.hidden = !sentence;
    asked.hidden = Boolean(sentence);
  }

  source.addEventListener("input", tell);
  tell();
})();
