// Calls of the API, and their refusals in words for people.

const PATIENCE_MS = 30_000;

const HEADINGS = {
  code_wrong: "That code does not fit",
  email_taken: "There is an account already",
  invalid_credentials: "That does not fit",
  invitation_for_another: "This invitation is for another address",
  link_invalid: "This link works no more",
  validation_failed: "Something needs another look",
};

/**
 * What went wrong: `heading` and `detail` for people, the members of the problem document, `again`
 * when the same call may succeed later, `lost` when nobody knows whether it did.
 */
export class Problem extends Error {
  constructor(heading, detail, more) {
    super(detail);
    Object.assign(this, { again: false, lost: false, ...more, heading, detail });
  }
}

/** Make one call. Answers the JSON that came, null for none; throws a Problem. */
export async function post(path, body, bearer = null) {
  const headers = { "Content-Type": "application/json" };
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  let answer, text;
  try {
    answer = await fetch(path, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      cache: "no-store",
      redirect: "error",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    text = await answer.text();
  } catch {
    const detail = "Fullhouse could not be reached. Are you online? Try again in a moment.";
    throw new Problem("No answer", detail, { again: true, lost: true });
  }
  const content = parsed(text);
  if (answer.ok) return content;
  throw refusal(answer, content ?? {});
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function refusal({ status, headers }, { title = "That did not work", detail = "", ...more }) {
  const wait = Number(headers.get("Retry-After"));
  const when = wait > 1 ? `Wait ${span(wait)}, then try again.` : "Try again in a moment.";
  if (status === 429) {
    return new Problem("Too many tries", `${detail} ${when}`, { ...more, status, again: true });
  }
  if (status >= 500) {
    const number = more.requestId ? ` If it stays so, report the number ${more.requestId}.` : "";
    const said = `Fullhouse cannot do this right now. ${when}${number}`;
    return new Problem("Not now", said, { ...more, status, again: true, lost: true });
  }
  return new Problem(HEADINGS[more.code] ?? title, detail, { ...more, status });
}

function span(seconds) {
  if (seconds < 120) return `${seconds} seconds`;
  if (seconds < 7_200) return `${Math.ceil(seconds / 60)} minutes`;
  return `${Math.ceil(seconds / 3_600)} hours`;
}
