// One key for each thing that can be done with what the page shows. It presses the button that has the key written on it.
(() => {
  "use strict";

  const OFF = "rulebook.keys.off";
  const writing = (element) =>
    element && (element.isContentEditable || /^(textarea|select)$/i.test(element.tagName) ||
      (/^input$/i.test(element.tagName) && !/^(radio|checkbox)$/i.test(element.type)));

  // Somebody who speaks to the machine, or leans on the keyboard, can switch the keys off.
  const isOn = () => {
    try {
      return window.localStorage.getItem(OFF) === null;
    } catch {
      return true;
    }
  };

  for (const box of document.querySelectorAll("[data-keys-switch]")) {
    box.checked = isOn();
    box.closest("[hidden]").hidden = false;
    box.addEventListener("change", () => {
      try {
        box.checked ? window.localStorage.removeItem(OFF) : window.localStorage.setItem(OFF, "1");
      } catch {
        box.checked = true; // nothing can be kept in this browser
      }
    });
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || writing(event.target) || !isOn()) return;
    const pressed = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
    if (!pressed) return;
    event.preventDefault();
    // An answer in one's own words has to be written first.
    const words = document.getElementById("rb-answer");
    if (pressed.value === "answer" && words && !words.value.trim()) words.focus();
    else pressed.click();
  });

  // A double tap is one decision.
  for (const form of document.querySelectorAll("[data-keys]")) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "1";
    });
  }
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("[data-keys]")) delete form.dataset.sent;
  });

  const refused = document.querySelector(".rb-refused[tabindex]");
  if (refused) refused.focus();
})();
