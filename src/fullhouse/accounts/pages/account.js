// The page behind the links in our mails. A link's token is in its fragment, which no server sees;
// it leaves this page only in the body of a call, and only when a person asks for it: programs
// that look into mails open links too.

import { Problem, post } from "./calls.js";

const VIEWS = { "verify-email": "verify", "reset-password": "reset", invitation: "invitation" };

const element = (id) => document.getElementById(id);
const all = (selector) => document.querySelectorAll(selector);

const link = takeLink();
// Forgotten with the page. What outlives it is a cookie that no script can read.
let bearer = null;
let challenge = null;
let busy = false;
let failed = null; // the form to send again, and what went wrong

/** What the link asks for; taken out of the address bar, and so out of the browser's history. */
function takeLink() {
  const [name, ...rest] = location.hash.slice(1).split("=");
  history.replaceState(null, "", location.pathname);
  try {
    return { name, token: decodeURIComponent(rest.join("=")) };
  } catch {
    return { name: "", token: "" };
  }
}

/** What each form does with its fields. */
const STEPS = {
  async verify() {
    await post("/api/v1/auth/email/verify", { token: link.token });
    finish("The address is confirmed", "Thank you. You can close this page.");
  },
  async reset({ password }) {
    await post("/api/v1/auth/password/reset", { token: link.token, password });
    const next = "Log in again with the new password, wherever you use Fullhouse.";
    finish("Your new password is set", `All sessions of your account have ended. ${next}`);
  },
  async forgot({ email }) {
    await post("/api/v1/auth/password/forgot", { email });
    finish("Look into your mail", `If ${email} has an account, a link is on its way there.`);
  },
  async login({ email, password }) {
    try {
      await enter(await post("/api/v1/auth/login", { email, password }));
    } catch (problem) {
      if (problem.code !== "second_factor_required") throw problem;
      challenge = problem.challenge;
      show("factor");
    }
  },
  async factor({ code }) {
    await enter(await post("/api/v1/auth/second-factor/verify", { challenge, code }));
  },
  async register({ name, email, password }) {
    await enter(await post("/api/v1/auth/register", { name, email, password }));
  },
  async accept() {
    try {
      const joined = await post("/api/v1/invitations/accept", { token: link.token }, bearer);
      const role = joined.role.replace("_", " ");
      finish(`Welcome to ${joined.name}`, `You are a member now, with the role “${role}”.`);
    } catch (problem) {
      if (problem.status === 401) restart();
      throw problem;
    }
  },
  async leave() {
    await leave();
    finish("You are logged out", "This browser is no longer logged in to Fullhouse.");
  },
  async other() {
    await leave();
    restart();
  },
  restart,
};

async function enter(session) {
  bearer = session.accessToken;
  element("who").textContent = `${session.user.name} (${session.user.email})`;
  show("accept");
  await STEPS.accept();
}

async function leave() {
  // By its cookie: the access token may be too old by now.
  await post("/api/v1/auth/logout", {});
  bearer = null;
}

function restart() {
  bearer = challenge = null;
  show("invitation");
}

/** Show one part of the page, with empty fields, and move to its heading. */
function show(view) {
  for (const section of all("section")) section.hidden = section.id !== view;
  for (const form of document.forms) empty(form);
  const heading = document.querySelector(`#${view} h1`);
  document.title = `${heading.textContent} – Fullhouse`;
  heading.focus();
}

/** Show that it is done, in place of what was asked. */
function finish(heading, text) {
  for (const section of all("section")) section.hidden = true;
  for (const form of document.forms) empty(form);
  element("leave").hidden = !bearer;
  document.title = `${heading} – Fullhouse`;
  tell(element("status"), [["h1", heading], ["p", text]]);
}

/** Show what went wrong, above the form and beside the fields that it is about. */
function complain(form, problem) {
  const section = document.querySelector("section:not([hidden])");
  // After a log-in that worked it is the next form that has to be sent again.
  const next = section.contains(form) ? form : section.querySelector("form");
  const parts = [["strong", problem.heading], ["p", problem.detail]];
  for (const { pointer, detail } of problem.errors ?? []) {
    const input = form.elements.namedItem(pointer.slice(1));
    parts.push(["p", `${input ? input.labels[0].textContent.trim() : pointer}: ${detail}`]);
    if (input) mark(input, detail);
  }
  if (problem.code === "link_invalid") {
    const unsure = "But an earlier try of yours may have got through: then it is done.";
    const lost = failed?.form === next && failed.problem.lost;
    parts.push(["p", lost ? unsure : section.dataset.stale]);
    element("new-link").hidden = section.id !== "reset";
    // Nothing that this link led to can work any more: no button may promise it.
    for (const useless of section.querySelectorAll("p, form")) useless.hidden = true;
    element("leave").hidden = !bearer;
  }
  failed = { form: next, problem };
  element("again").hidden = !problem.again;
  tell(element("alert"), parts);
}

/** Write a message and move to it, so that it is seen and read out. */
function tell(place, parts) {
  const made = ([tag, text]) => Object.assign(document.createElement(tag), { textContent: text });
  place.replaceChildren(...parts.map(made));
  place.focus();
}

function mark(input, detail) {
  const note = { id: `${input.id}-wrong`, className: "wrong", textContent: detail };
  input.after(Object.assign(document.createElement("p"), note));
  input.dataset.hint ??= input.getAttribute("aria-describedby") ?? "";
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", `${note.id} ${input.dataset.hint}`.trim());
}

/** Take away every message. */
function clear() {
  for (const id of ["alert", "status"]) element(id).replaceChildren();
  for (const id of ["again", "new-link"]) element(id).hidden = true;
  for (const note of all(".wrong")) note.remove();
  for (const input of all("[aria-invalid]")) {
    input.removeAttribute("aria-invalid");
    input.setAttribute("aria-describedby", input.dataset.hint);
  }
}

function empty(form) {
  form.reset();
  veil(form);
}

/** Passwords that were shown are hidden again, or browsers would remember them as plain text. */
function veil(form) {
  for (const box of form.querySelectorAll("[data-shows]")) {
    box.checked = false;
    element(box.dataset.shows).type = "password";
  }
}

function setBusy(form, value) {
  busy = value;
  form.setAttribute("aria-busy", String(value));
  // Not disabled, which would take the focus away.
  for (const button of all("button")) button.setAttribute("aria-disabled", String(value));
}

async function send(form) {
  if (busy) return;
  const fields = Object.fromEntries(new FormData(form));
  veil(form);
  clear();
  setBusy(form, true);
  try {
    await STEPS[form.dataset.step](fields);
    failed = null;
  } catch (error) {
    const known = error instanceof Problem;
    const bug = new Problem("That did not work", "This page made a mistake. Open the link again.");
    complain(form, known ? error : bug);
    if (!known) throw error;
  } finally {
    setBusy(form, false);
  }
}

function showAccountForm() {
  const { value } = document.querySelector("[name=account]:checked");
  for (const form of all("#invitation form")) form.hidden = form.dataset.step !== value;
}

for (const form of document.forms) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form);
  });
}
for (const box of all("[data-shows]")) {
  box.addEventListener("change", () => {
    element(box.dataset.shows).type = box.checked ? "text" : "password";
  });
}
for (const radio of all("[name=account]")) radio.addEventListener("change", showAccountForm);
element("again").addEventListener("click", () => failed.form.requestSubmit());
element("new-link").addEventListener("click", () => {
  clear();
  show("home");
});
// The second click of a double click may come when the first has been answered already.
addEventListener("click", (event) => {
  if (event.detail < 2 || !event.target.closest("button")) return;
  event.preventDefault();
  event.stopPropagation();
}, { capture: true });
// Another link, opened in this very tab: begin anew with it.
addEventListener("hashchange", () => location.reload());

showAccountForm();
show(link.token && Object.hasOwn(VIEWS, link.name) ? VIEWS[link.name] : "home");
