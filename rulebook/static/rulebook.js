// What the admin's frame does beside Unfold's own scripts. Every page can be used without it.
(() => {
  "use strict";

  const writing = (element) =>
    element && (element.isContentEditable || /^(input|textarea|select)$/i.test(element.tagName));

  // "/" goes to the search box, unless somebody is writing.
  document.addEventListener("keydown", (event) => {
    const box = document.getElementById("rb-search");
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !writing(event.target)) {
      if (box && box.getClientRects().length) {
        event.preventDefault();
        box.focus();
        box.select();
      }
    }
  });

  // An open menu closes by Escape, and when somebody clicks or moves on elsewhere.
  const close = (menu) => menu.removeAttribute("open");
  const openMenus = () => document.querySelectorAll("details.rb-menu[open]");
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of openMenus()) {
      close(menu);
      menu.querySelector("summary").focus();
    }
  });
  for (const moved of ["click", "focusin"]) {
    document.addEventListener(moved, (event) => {
      for (const menu of openMenus()) if (!menu.contains(event.target)) close(menu);
    });
  }

  // What Unfold makes clickable without making it a button: it is named one, and answers to the keyboard.
  const CLICKABLE = "a:not([href])[x-on\\:click], span[x-on\\:click]";
  const nameButtons = () => {
    for (const element of document.querySelectorAll(CLICKABLE)) {
      if (element.hasAttribute("role")) continue;
      element.setAttribute("role", "button");
      element.tabIndex = 0;
      element.addEventListener("keydown", (event) => {
        if (event.target === element && (event.key === "Enter" || event.key === " ")) {
          event.preventDefault();
          element.click();
        }
      });
    }
  };

  // Icons are letters of a font. A screen reader would read out their names.
  const hushIcons = () => {
    for (const icon of document.querySelectorAll(".material-symbols-outlined:not([aria-hidden], [role])")) {
      icon.setAttribute("aria-hidden", "true");
      icon.setAttribute("translate", "no");
    }
  };

  // Unfold's script writes the name of a chosen file beside its own kind of field. A plain one shows it itself.
  document.addEventListener("DOMContentLoaded", () => {
    for (const input of document.querySelectorAll(".rb-field input[type=file]")) input.hasChangeListener = true;
  });

  // A type-ahead hides the field that its label belongs to, and is named after nothing.
  const nameTypeAheads = () => {
    for (const select of document.querySelectorAll("select.select2-hidden-accessible")) {
      const label = document.querySelector(`label[for="${CSS.escape(select.id)}"]`);
      const shown = select.nextElementSibling && select.nextElementSibling.querySelector("[role=combobox]");
      if (!label || !shown) continue;
      const name = label.textContent.replace("*", "").trim();
      shown.removeAttribute("aria-labelledby");
      shown.setAttribute("aria-label", name);
      for (const inner of shown.querySelectorAll("[role=textbox]")) inner.setAttribute("aria-label", name);
    }
  };

  const mend = () => {
    nameButtons();
    hushIcons();
    nameTypeAheads();
  };
  document.addEventListener("DOMContentLoaded", mend);
  window.addEventListener("load", () => window.setTimeout(mend));
  document.addEventListener("htmx:afterSwap", mend);
  document.addEventListener("formset:added", () => window.setTimeout(mend));

  // The page for the top has a button for what the browser's own menu does too.
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-rb-print]")) window.print();
  });
})();
