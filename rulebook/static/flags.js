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
    pressed.click();
  });

  // What is missing is told at its field before anything is sent: a rule to link to, an answer in one's own words.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[name=verb]");
    if (!button) return;
    const words = document.getElementById("rb-answer");
    if (button.getAttribute("aria-disabled") === "true") {
      event.preventDefault();
      button.focus();
    } else if (button.value === "answer" && !words.value.trim()) {
      event.preventDefault();
      const told = document.createElement("p");
      told.className = "rb-field-error";
      told.dataset.wrong = "answer";
      told.textContent = words.dataset.needed;
      document.getElementById("rb-wrong-answer").replaceChildren(told);
      words.setAttribute("aria-invalid", "true");
      words.closest(".rb-field").classList.add("rb-field-wrong");
      words.focus();
    }
  });

  // What was wrong is not wrong any more once somebody mends it; a rule that is chosen opens the button that links.
  const FIELD = { rule_code: "rule" };
  const mended = (event) => {
    const field = event.target;
    if (!field.name || !field.form || field.form.dataset.keys === undefined) return;
    const name = FIELD[field.name] || field.name;
    for (const told of document.querySelectorAll(`[data-wrong="${CSS.escape(name)}"]`)) told.remove();
    for (const wrong of field.form.querySelectorAll("[aria-invalid]")) {
      if ((FIELD[wrong.name] || wrong.name) === name) wrong.removeAttribute("aria-invalid");
    }
    field.closest(".rb-field-wrong")?.classList.remove("rb-field-wrong");
    const box = document.querySelector(".rb-refused[tabindex]");
    if (box && !box.querySelector("p")) box.remove();
    const link = field.form.querySelector("button[value=link]");
    if (!link || name !== "rule") return;
    const chosen = field.form.querySelector("[name=rule]:checked") || field.form.elements.rule_code.value.trim();
    if (chosen) link.removeAttribute("aria-disabled");
    else link.setAttribute("aria-disabled", "true");
    document.querySelector("#rb-reads-link > [data-closed]").hidden = Boolean(chosen);
    document.querySelector("#rb-reads-link > [data-open]").hidden = !chosen;
  };
  for (const moved of ["input", "change"]) document.addEventListener(moved, mended);

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
