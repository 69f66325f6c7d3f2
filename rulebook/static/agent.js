// What the pages of the front line do beside the browser's own. Every page can be used without it.
//
//   <form data-keep="flag">       its fields are kept in this tab while they are written
//   data-sent="flag"              on any element of the answer: what was kept under that name is forgotten ("*": all)
//   data-focus                    takes the focus when the page has come: the list of errors
//   data-instead="/flag/"         this page answered a form: who comes back to it is shown that address
//   <button data-copy="#code">    copies a text; hidden where the browser cannot
//   data-with-hash                a form whose answer keeps what stands behind the # of this address
(() => {
  "use strict";

  // ---- Light or dark: shared with the desk, which writes it down in this form. Before the page is drawn.

  const THEME = "adminTheme";
  const root = document.documentElement;
  const themeChosen = () => {
    try {
      const kept = JSON.parse(localStorage.getItem(THEME));
      return kept === "dark" || kept === "light" ? kept : "auto";
    } catch {
      return "auto";
    }
  };
  const wear = (theme) => {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === theme));
    }
  };
  wear(themeChosen());

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (!button) return;
    try {
      localStorage.setItem(THEME, JSON.stringify(button.dataset.themeChoice));
    } catch {
      // A browser that keeps nothing: it holds for this page.
    }
    wear(button.dataset.themeChoice);
  });

  // ---- What is written stays in the tab until it has been sent.

  const DRAFT = "rulebook.draft.";
  const UNKEPT = new Set(["hidden", "password", "file", "submit", "button", "reset", "image"]);
  const fieldsOf = (form) => [...form.elements].filter((field) => field.name && field.type && !UNKEPT.has(field.type));

  const keep = (form) => {
    const kept = {};
    for (const field of fieldsOf(form)) {
      const value = field.type === "checkbox" ? field.checked && field.value : field.value;
      if (field.type === "radio" ? field.checked : value) kept[field.name] = value;
      else if (field.type === "checkbox" && field.defaultChecked) kept[field.name] = false;
    }
    try {
      if (Object.keys(kept).length) sessionStorage.setItem(DRAFT + form.dataset.keep, JSON.stringify(kept));
      else sessionStorage.removeItem(DRAFT + form.dataset.keep);
    } catch {
      // Full, or forbidden: the page itself still holds it.
    }
  };

  const bringBack = (form) => {
    let kept = null;
    try {
      kept = JSON.parse(sessionStorage.getItem(DRAFT + form.dataset.keep));
    } catch {
      return;
    }
    if (!kept) return;
    for (const field of fieldsOf(form)) {
      const value = kept[field.name];
      if (value === undefined) continue;
      if (field.type === "radio") field.checked = field.value === value;
      else if (field.type === "checkbox") field.checked = field.value === value;
      else if (!field.value) field.value = value; // what the server wrote there is newer
    }
    form.dispatchEvent(new CustomEvent("rulebook:brought-back", { bubbles: true }));
  };

  const forget = (within) => {
    for (const told of within.querySelectorAll("[data-sent]")) {
      try {
        const all = Object.keys(sessionStorage).filter((key) => key.startsWith(DRAFT));
        for (const key of told.dataset.sent === "*" ? all : [DRAFT + told.dataset.sent]) sessionStorage.removeItem(key);
      } catch {
        // Nothing was kept either.
      }
    }
  };

  for (const moved of ["input", "change"]) {
    document.addEventListener(moved, (event) => {
      const form = event.target.form;
      if (form && form.dataset.keep) keep(form);
    });
  }

  // ---- No connection, and a second tap.

  const PING = root.dataset.ping || "/static/favicon.svg";
  const PATIENCE = 8000; // milliseconds
  let lostAt = 0;
  const noLine = (there) => {
    const told = document.querySelector("[data-no-line]");
    if (!told) return;
    if (there) lostAt = performance.now();
    told.hidden = !there;
    if (there) told.scrollIntoView({ block: "nearest" });
  };

  const reachable = async () => {
    try {
      const signal = AbortSignal.timeout ? AbortSignal.timeout(PATIENCE) : undefined;
      const answer = await fetch(PING, { method: "HEAD", cache: "no-store", signal });
      return answer.status < 500;
    } catch {
      return false;
    }
  };

  // A browser would leave the page for its own "no internet". So the server is asked first, then the form is sent.
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || !form.dataset.keep) return;
    if (form.dataset.sending === "now") return;
    event.preventDefault();
    if (form.dataset.sending) return; // a second tap
    form.dataset.sending = "asking";
    const there = await reachable();
    noLine(!there);
    if (there) {
      form.dataset.sending = "now";
      form.requestSubmit(event.submitter || undefined);
      form.dataset.sending = "sent";
    } else {
      delete form.dataset.sending;
    }
  });

  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sending]")) delete form.dataset.sending;
  });
  window.addEventListener("online", () => noLine(false));
  for (const failed of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(failed, () => noLine(true));
  // An answer that was on its way when the line broke does not say that it is back.
  document.addEventListener("htmx:beforeRequest", (event) => (event.detail.xhr.sentAt = performance.now()));
  document.addEventListener("htmx:afterOnLoad", (event) => {
    if (event.detail.xhr.sentAt > lostAt) noLine(false);
  });

  // ---- Small things.

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.withHash === undefined || !location.hash) return;
    const action = form.getAttribute("action") || location.pathname + location.search;
    form.setAttribute("action", action.split("#")[0] + location.hash); // stays in the browser
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const from = document.querySelector(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(from.textContent.trim());
      if (button.dataset.copied) button.textContent = button.dataset.copied;
    } catch {
      getSelection().selectAllChildren(from);
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  document.addEventListener("htmx:afterSwap", (event) => forget(event.target));
  document.addEventListener("DOMContentLoaded", () => {
    wear(themeChosen());
    forget(document);
    // An answer to a form has no address of its own: to come back to it would end at the browser's error page.
    const instead = document.querySelector("[data-instead]");
    if (instead) history.replaceState(null, "", instead.dataset.instead + location.hash);
    for (const form of document.querySelectorAll("form[data-keep]")) bringBack(form);
    for (const shown of document.querySelectorAll("[data-theme-switch]")) shown.hidden = false;
    for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
    const first = document.querySelector("[data-focus]");
    if (first) first.focus();
  });
})();
