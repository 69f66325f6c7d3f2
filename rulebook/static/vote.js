// One card after another without a new page. A tap on an answer sends it; what is optional is chosen before.
// Without this script the same form is sent with its button, and its links are links.
"use strict";
(() => {
    const RESTS = 350; // ms: the second tap of a double tap falls on the next card, and must not answer it
    let busy = false;
    let tapped = false;
    let rests = 0;
    let ahead = null; // the next card, and the one it follows

    const card = () => document.getElementById("card");
    const answered = (form) => form.querySelectorAll("input[type=radio]:checked").length >= Number(form.dataset.answers);

    function say(form, text) {
        const told = document.createElement("p");
        told.className = "error";
        told.textContent = text;
        form.querySelector("#card-said").replaceChildren(told);
        form.dataset.hold = ""; // its button stands there, to send it again
    }

    function lay(old, next) {
        old.replaceWith(document.adoptNode(next));
        next.dataset.live = "";
        rests = performance.now() + RESTS;
        window.scrollTo(0, 0);
        (next.querySelector(".errors") || next).focus({ preventScroll: true });
        lookAhead(next);
    }

    const ask = (address, more) => fetch(address, { ...more, headers: { "X-Card": "1", ...more.headers } });
    const cardOf = async (reply) => new DOMParser().parseFromString(await reply.text(), "text/html").getElementById("card");

    // The next card comes while this one is read, at a moment of its own: a room that votes at once asks for nothing more.
    function lookAhead(form) {
        if (!form.dataset.next) return;
        setTimeout(async () => {
            if (card() !== form || busy) return;
            try {
                const reply = await ask(form.dataset.next, {});
                const next = reply.ok ? await cardOf(reply) : null;
                if (next && card() === form && !busy) ahead = { form, next };
            } catch { /* then it comes with the answer */ }
        }, 300 + Math.random() * 1200);
    }

    async function turn(address, body, next) {
        if (busy) return;
        const form = card();
        busy = true;
        if (next) lay(form, next); // to be read; it takes no answer before this one is stored
        card().setAttribute("aria-busy", "true");
        const failed = (text) => {
            if (next) lay(card(), form);
            say(form, text);
        };
        try {
            const reply = await ask(address, body ? { method: "POST", body, headers: next ? { "X-Card": "stored" } : {} } : {});
            const found = reply.status === 204 ? null : await cardOf(reply);
            if (found) lay(card(), found);
            else if (reply.status === 429) failed(form.dataset.many);
            else if (!reply.ok) failed(form.dataset.refused);
            else if (reply.status !== 204) location.assign(reply.url); // an end that has a page of its own
        } catch {
            failed(form.dataset.offline);
        } finally {
            busy = false;
            form.removeAttribute("aria-busy");
            card().removeAttribute("aria-busy");
        }
    }

    function send(form, button) {
        const next = ahead && ahead.form === form ? ahead.next : null;
        ahead = null;
        turn(form.action, new URLSearchParams(new FormData(form, button)), next);
    }

    document.addEventListener("submit", (event) => {
        if (event.target !== card()) return;
        event.preventDefault();
        send(event.target, event.submitter);
    });

    document.addEventListener("click", (event) => {
        const link = event.target.closest("#card .vote-skip, #card .vote-undo");
        const choice = event.target.closest("#card .choice");
        const undoes = link && link.matches(".vote-undo");
        if ((link || choice) && (busy || (performance.now() < rests && !undoes))) return event.preventDefault();
        if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
            event.preventDefault();
            turn(link.href, null);
        }
        if (!choice || !event.detail) return; // an arrow key looks around, and Enter sends
        tapped = true;
        setTimeout(() => { // once the answer is checked
            if (tapped && answered(card())) send(card());
            tapped = false;
        });
    });

    document.addEventListener("change", (event) => {
        if (event.target.type === "radio" && event.target.closest("#card") && !tapped) card().dataset.hold = "";
    });

    // 1 to 5, S and U, while the focus is on the card: a key pressed elsewhere is meant for something else.
    document.addEventListener("keydown", (event) => {
        const form = card();
        if (!form || !form.contains(event.target) || event.target.matches("textarea")) return;
        if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || performance.now() < rests) return;
        const link = { s: ".vote-skip", u: ".vote-undo" }[event.key.toLowerCase()];
        if (link) return form.querySelector(link)?.click();
        const asked = [...form.querySelectorAll(".vote-question")];
        const place = asked.findIndex((question) => !question.querySelector(":checked"));
        const question = asked[place < 0 ? asked.length - 1 : place];
        const choice = /^[1-5]$/.test(event.key) && question ? question.querySelectorAll("input")[event.key - 1] : null;
        if (!choice) return;
        event.preventDefault();
        choice.checked = true;
        if (answered(form)) send(form);
    });

    if (card()) {
        card().dataset.live = "";
        if (card().matches("form")) card().focus({ preventScroll: true });
        lookAhead(card());
    }
})();
