// @ts-check
// The page at `/`: reads /admin/status, /admin/keys and /admin/records every two seconds and shows what they say.
// Every value reaches the page as text, never as markup; a value nobody stated is shown as unknown.

import { FIELDS, SPANS, question, readAddress, tidy, timeOf, writeAddress } from "./filters.js";

/** @typedef {{input: number|null, cached_input: number|null, cache_write: number|null, output: number|null, reasoning?: number|null}} Usage */
/** @typedef {{input: number, cached_input: number, cache_write: number, output: number}} Price */
/** @typedef {{language: string, files: number, tokens: number}} Language */
/** @typedef {{version: string, files: number, tokens: number, lines: number, commit: string|null, languages: Language[]}} Flash */
/** @typedef {{name: string, id: string, provider: string, kind: string, tasks: string[], price: Price|null, state: string, requests: number, failures: number, last_used: string|null, last_error: string|null, deployments?: Deployment[]}} Model */
/** @typedef {{name: string, provider: string, id: string, weight: number, state: string, breaker: string, opens_again: string|null, in_flight: number, latency_micros: number|null, requests: number, failures: number, last_error: string|null}} Deployment */
/** @typedef {{name: string, ladder: string[]}} Route */
/** @typedef {{kind: string, place: string, size: number|null, made: string|null, error: string|null, failed: string|null, failures: number}} Anchor */
/** @typedef {{name: string, url: string, size: number|null, time: string|null, error: string|null}} Witness */
/** @typedef {{origin: string, size: number, root: string|null, store: string, pending: number, payloads: string, keep_payloads_for: number|null, keep_records_for: number|null, healthy: boolean, error: string|null, on_failure?: string, anchors?: Anchor[], witnesses?: Witness[]}} Ledger */
/** @typedef {{cost_micro_usd: number, assumed_cost_micro_usd: number, reserved_cost_micro_usd: number, tokens: number, assumed_tokens: number, reserved_tokens: number, requests: number}} Used */
/** @typedef {{budget_day_micro_usd?: number, budget_month_micro_usd?: number, tokens_day?: number, tokens_month?: number}} Limits */
/** @typedef {{id: string, owner: string|null, label: string|null, state: string, expires: string|null, routes: string[], models: string[], limits: Limits, today: Used, this_month: Used}} Key */
/** @typedef {import("./filters.js").Filters} Filters */
/** @typedef {{version: string, started: string, listen: string, repository: string|null, flash: Flash|null, routes: Route[], models: Model[], ledger: Ledger}} Status */
/** @typedef {{record: string, started: string, ended: string|null, task: string|null, dialect: string, stream: boolean, client: string|null, session: string|null, repository: string|null, principal: string|null, requested_model: string|null, resolved_model: string|null, served_model: string|null, provider: string|null, route: string|null, reason: string|null, outcome: string|null, latency_micros: number|null, usage: Usage|null, cost_micro_usd: number|null, attempts: number, error: string|null}} Row */
/** @typedef {{provider: string, model: string, served_model: string|null, started: string, ended: string|null, status: number|string|null, outcome?: string|null, error: string|null, next: string|null, served: boolean}} Attempt */
/** @typedef {{origin: string, tree_size: number, leaf_index: number, root: string, verified: boolean, problem: string|null}} Proof */
/** @typedef {{path: string, line: number, commit?: string|null, licence?: string|null}} Source */
/** @typedef {{rung: string, since: number, events: number, evidence: {rule: string, version: number, count: number, weight: number}[], score: number, climb_at: number, switch?: {from: string, to: string, uncached_tokens: number, cost_micro_usd: number|null}}} Ladder */
/** @typedef {{route: string|null, policy: string, reason: string, reasons: string[], snapshot: string, ladder?: Ladder, shadow?: {route: string, model: string|null, reason: string}}} Decision */
/** @typedef {{record: string, requested_model: string|null, resolved_model: string|null, served_model: string|null, provider: string|null, decision: Decision|null, attempts: Attempt[]|null, client: string|null, session: string|null, repository: string|null, principal: string|null, subject: string, dialect: string, stream: boolean, started: string, ended: string|null, outcome?: string|null, error?: string|null, usage: Usage|null, cost_micro_usd: number|null, proof: Proof|null, sources?: Source[]}} Detail */
/** @typedef {Node | string} Part */

const EVERY_MS = 2_000;
const SLOWEST_MS = 30_000;
const PATIENCE_MS = 8_000;
const RECORDS = "/admin/records";
/** Records to a page. */
const PAGE = 50;
/** The most that are read at once to close a gap, and how often. */
const MOST = 500;
const GAP_PAGES = 4;
/** How far back records are read again, in case one of them ended meanwhile. */
const UNSETTLED_MS = 900_000;

/** How an outcome is shown: its tone and what it means. @type {Record<string, [string, string]>} */
const OUTCOMES = {
  succeeded: ["ok", "The answer is whole"],
  declined: ["quiet", "The embedded model had nothing it was sure enough of"],
  failed: ["bad", "An error came instead of an answer"],
  timed_out: ["bad", "No byte of an answer came in time"],
  stream_failed: ["bad", "The answer broke off after it had begun"],
  cancelled: ["quiet", "The client went away"],
  refused: ["warn", "Waymark itself refused the request; no upstream was asked"],
  interrupted: ["warn", "Waymark stopped before the answer was whole"],
  open: ["busy", "The answer is still under way"],
};
const PROBLEMS = ["failed", "timed_out", "stream_failed", "refused", "interrupted"];

/** @type {Record<string, string>} */
const STATES = { up: "ok", failing: "bad", unused: "quiet" };

const page = {
  status: /** @type {Status|null} */ (null),
  /** Every record read so far, newest first. */
  records: /** @type {Row[]|null} */ (null),
  /** Where the next older page begins; nothing when there is none. */
  next: /** @type {string|null} */ (null),
  /** Whether more came in than could be joined to what is shown. */
  ahead: false,
  /** When the list was last read. */
  readAt: 0,
  /** Grows with each change of the filters, so that an answer to older ones is not taken. */
  turn: 0,
  detail: /** @type {Detail|null} */ (null),
  selected: "",
  filters: /** @type {Filters} */ ({}),
  older: false,
  answered: /** @type {Date|null} */ (null),
  failures: 0,
  timer: 0,
  reading: false,
};

// ---- Elements --------------------------------------------------------------------------------------------------

/** @param {string} id @returns {HTMLElement} */
function at(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/**
 * Makes an element. Strings become text; `null` attributes are left out.
 * @param {string} tag
 * @param {Record<string, string|null>} [attributes]
 * @param {...Part} parts
 */
function el(tag, attributes = {}, ...parts) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null) element.setAttribute(name, value);
  }
  element.append(...parts);
  return element;
}

/** @type {WeakMap<Element, string>} */
const painted = new WeakMap();

/**
 * Fills an element from some data, and leaves it alone while that data stays the same.
 * @template T
 * @param {Element} element
 * @param {T} data
 * @param {(data: T) => Part[]} build
 */
function paint(element, data, build) {
  const key = JSON.stringify(data) ?? "";
  if (painted.get(element) === key) return;
  painted.set(element, key);
  element.replaceChildren(...build(data));
}

/**
 * Keeps one child per item in the items' order; a child already in its place is not touched.
 * @template T
 * @param {HTMLElement} parent
 * @param {T[]} items
 * @param {(item: T) => string} keyOf
 * @param {(item: T) => HTMLElement} create
 * @param {(child: HTMLElement, item: T) => void} update
 */
function keep(parent, items, keyOf, create, update) {
  const wanted = new Set(items.map(keyOf));
  const present = new Map();
  for (const child of /** @type {HTMLElement[]} */ ([...parent.children])) {
    const key = child.dataset.key ?? "";
    if (wanted.has(key)) present.set(key, child);
    else child.remove();
  }
  let place = parent.firstElementChild;
  for (const item of items) {
    const child = present.get(keyOf(item)) ?? create(item);
    child.dataset.key = keyOf(item);
    update(child, item);
    if (child === place) place = child.nextElementSibling;
    else parent.insertBefore(child, place);
  }
}

/** @param {string} kind @param {Part} text @param {string|null} [title] */
const span = (kind, text, title = null) => el("span", { class: kind, title }, text);

/** Words for screen readers alone. @param {string} text */
const heard = (text) => span("seen-by-readers", text);

/** A sign that screen readers hear as words. @param {string} sign @param {string} text @param {string} kind */
const sign = (sign, text, kind) => el("span", { class: kind }, el("span", { "aria-hidden": "true" }, sign), heard(text));

/** @param {string} [word] */
const unknown = (word = "unknown") => span("unknown", word);

/** @param {string|null|undefined} text @param {string} [kind] @returns {Part} */
const textOr = (text, kind = "") => (text ? span(kind, text, text) : unknown());

/** @param {string} tone @param {string} text @param {string|null} [title] */
const mark = (tone, text, title) => span(`state ${tone}`, text, title);

/** @param {string} text @param {string} [tone] */
const tag = (text, tone = "") => span(`tag ${tone}`, text);

/** @param {[string, Part][]} pairs @param {string} [kind] */
const pairs = (pairs, kind = "pairs") =>
  el("dl", { class: kind }, ...pairs.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));

/**
 * A text with a button that copies it.
 * @param {string} text
 */
function copyable(text) {
  const pre = el("pre", {}, text);
  const button = el("button", { type: "button", class: "plain" }, "Copy");
  button.addEventListener("click", async () => {
    const done = await copy(text, pre);
    button.textContent = done ? "Copied" : "Selected";
    say(done ? "Copied" : "Selected; copy it with the keyboard");
    setTimeout(() => (button.textContent = "Copy"), 1_600);
  });
  return el("div", { class: "copy" }, pre, button);
}

/** A text on its line with a small button that copies it. @param {string} text @param {string} what */
function copyableInline(text, what) {
  const shown = span("mono", text);
  const button = el("button", { type: "button", class: "plain small", "aria-label": `Copy ${what}` }, "Copy");
  button.addEventListener("click", async () => {
    const done = await copy(text, shown);
    button.textContent = done ? "Copied" : "Selected";
    say(done ? "Copied" : "Selected; copy it with the keyboard");
    setTimeout(() => (button.textContent = "Copy"), 1_600);
  });
  return el("span", { class: "with-copy" }, shown, button);
}

/**
 * A value that narrows the list when it is clicked. In rows, which have a button of their own, it takes no tab stop: the
 * record's details have the same.
 * @param {string} field @param {string|null|undefined} value @param {Part} [shown] @param {{kind?: string, inRow?: boolean}} [how]
 */
function narrowing(field, value, shown = value ?? "", { kind = "", inRow = false } = {}) {
  if (!value) return unknown(field === "route" ? "none" : "unknown");
  const title = `Only ${FIELDS[field].toLowerCase()} ${value}`;
  const attributes = { type: "button", class: `narrow ${kind}`, title, "data-field": field, "data-value": value };
  return el("button", { ...attributes, tabindex: inRow ? "-1" : null }, shown);
}

/** Copies; where the browser grants no clipboard, selects the text instead. @param {string} text @param {Node} shown */
async function copy(text, shown) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection()?.selectAllChildren(shown);
    return false;
  }
}

/** Tells screen readers. @param {string} text */
function say(text) {
  at("said").textContent = text;
}

// ---- Words and numbers -----------------------------------------------------------------------------------------

const whole = new Intl.NumberFormat("en");
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** @param {string} code */
const words = (code) => code.replaceAll("_", " ");

/** @param {number} count @param {string} noun */
const counted = (count, noun) => `${whole.format(count)} ${noun}${count === 1 ? "" : "s"}`;

/** @param {number} micros */
function duration(micros) {
  if (micros < 1_000) return `${micros} µs`;
  if (micros < 1_000_000) return `${(micros / 1_000).toFixed(micros < 100_000 ? 1 : 0)} ms`;
  if (micros < 60_000_000) return `${(micros / 1_000_000).toFixed(2)} s`;
  return `${Math.floor(micros / 60_000_000)} m ${Math.floor((micros / 1_000_000) % 60)} s`;
}

/** Microseconds since 1970; dates alone know only milliseconds. @param {string} stamp */
const microsOf = (stamp) => Date.parse(stamp) * 1_000 + Number(/\.\d{3}(\d{3})/.exec(stamp)?.[1] ?? 0);

/** @param {string} since */
function ago(since) {
  const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(since)) / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}

/** The time in the reader's zone, with the day when it is not today. @param {string} stamp */
function moment(stamp) {
  const date = new Date(stamp);
  const today = date.toDateString() === new Date().toDateString();
  return today ? clock.format(date) : `${day.format(date)} ${clock.format(date)}`;
}

/** Money to the last micro-USD; nothing is rounded away. @param {number} micros */
const dollars = (micros) => (micros === 0 ? "$0" : `$${(micros / 1e6).toFixed(6)}`);

/** A price per million tokens, without needless zeros. @param {number} micros */
const rate = (micros) => `$${micros / 1e6}`;

/** @param {Price|null} price */
function priceText(price) {
  if (!price) return "unknown";
  if (price.input === 0 && price.output === 0) return "$0";
  return `${rate(price.input)} in · ${rate(price.output)} out`;
}

/** @param {Price|null} price */
const priceTitle = (price) =>
  price ? `cached input ${rate(price.cached_input)}, cache write ${rate(price.cache_write)}, per million tokens` : null;

/** Whether the provider named another model than the one it was sent. @param {Row|Detail} row */
const differs = ({ resolved_model: resolved, served_model: served }) =>
  resolved !== null && served !== null && served !== resolved;

// ---- Header ----------------------------------------------------------------------------------------------------

/** @param {Status} status */
function showHeader(status) {
  const { ledger } = status;
  paint(at("version"), status.version, (version) => [version]);
  /** @type {[string, Part, string][]} */
  const facts = [
    ["Repository", status.repository ? textOr(status.repository, "mono") : unknown("none"), status.repository ?? ""],
    ["Listening on", span("mono", status.listen), status.listen],
    ["Up for", ago(status.started), status.started],
    ["Ledger", mark(ledger.healthy ? "ok" : "bad", ledger.healthy ? "healthy" : "cannot write"), ""],
    ["Leaves", whole.format(ledger.size), ""],
  ];
  const labels = facts.map(([name, value, title]) => [name, typeof value === "string" ? value : value.textContent, title]);
  paint(at("facts"), labels, () =>
    facts.map(([name, value, title]) => el("div", {}, el("dt", {}, name), el("dd", { title: title || null }, value))),
  );
  const banner = at("ledger-banner");
  banner.hidden = ledger.healthy;
  const effect = ledger.on_failure === "serve" ? "Answers are being served without a record" : "Answers are being refused";
  const text = `${effect}, because the ledger cannot write: ${ledger.error ?? "the reason is unknown"}`;
  paint(banner, ledger.healthy ? "" : text, (text) => [text]);
}

/** Says whether the server answers, without touching anything it said before. @param {string} trouble */
function showLink(trouble) {
  document.title = titleText(trouble);
  paint(at("link"), Boolean(trouble), () => [trouble ? mark("warn", "not answering") : mark("ok", "live")]);
  paint(at("away"), trouble, () => (trouble ? [awayNotice(trouble)] : []));
}

/** @param {string} trouble */
function awayNotice(trouble) {
  const since = page.answered ? ` This is what it said at ${clock.format(page.answered)}.` : "";
  const again = el("button", { type: "button", class: "plain" }, "Retry now");
  again.addEventListener("click", () => void refresh());
  return el("p", {}, `${trouble}${since}`, again);
}

/** @param {string} trouble */
function titleText(trouble) {
  if (trouble) return "not answering · Waymark";
  if (page.status && !page.status.ledger.healthy) return "ledger cannot write · Waymark";
  const name = page.status?.repository?.split("/").filter(Boolean).pop();
  return name ? `${name} · Waymark` : "Waymark";
}

// ---- Routes, embedded model, models ----------------------------------------------------------------------------

/** @param {Status} status */
function showRoutes(status) {
  const first = (/** @type {Route} */ route) => (route.name === "auto" ? 0 : 1);
  const routes = [...status.routes].sort((a, b) => first(a) - first(b));
  const models = new Map(status.models.map((model) => [model.name, model]));
  const shown = routes.map((route) => ({
    name: route.name,
    rungs: route.ladder.map((name) => {
      const model = models.get(name);
      const price = model?.price ? priceText(model.price) : "price unknown";
      return { name, provider: model?.provider, state: model?.state, price, tasks: model?.tasks };
    }),
  }));
  paint(at("routes"), shown, () =>
    shown.length === 0
      ? [el("p", { class: "note" }, "No route is configured.")]
      : shown.map((route) => el("div", {}, el("h3", { class: "route-name" }, route.name), ladder(route.rungs))),
  );
}

/** @typedef {{name: string, provider?: string, state?: string, price: string, tasks?: string[]}} Rung */

/** Rungs from left to right, each a little higher than the one before. @param {Rung[]} rungs */
function ladder(rungs) {
  const list = el("ol", { class: "ladder" });
  const rise = Math.min(12, 48 / rungs.length);
  rungs.forEach((rung, index) => {
    if (index > 0) list.append(climb(index * rise, (rungs.length - index) * rise));
    const state = rung.state ?? "unknown";
    const place = rung.provider ?? "not configured";
    const item = el(
      "li",
      { class: `rung ${state}` },
      el("p", { class: "rung-name clip", title: rung.name }, span("order", `${index + 1}`), " ", el("strong", {}, rung.name)),
      el("p", { class: "clip" }, mark(STATES[state] ?? "quiet", state), span("soft", ` · ${place}`, place)),
      el("p", { class: "soft clip", title: rung.price }, rung.price),
      el("p", { class: "rung-tasks" }, ...(rung.tasks ?? []).map((task) => tag(words(task)))),
    );
    item.style.marginBottom = `${index * rise}px`;
    item.style.marginTop = `${(rungs.length - 1 - index) * rise}px`;
    list.append(item);
  });
  return list;
}

/** The arrow up to a rung. @param {number} below @param {number} above */
function climb(below, above) {
  const arrow = /** @type {HTMLTemplateElement} */ (at("arrow")).content.cloneNode(true);
  const item = el("li", { class: "climb", "aria-hidden": "true" }, arrow);
  item.style.marginBottom = `${below}px`;
  item.style.marginTop = `${above}px`;
  return item;
}

/** @param {Flash|null} flash */
function showFlash(flash) {
  paint(at("flash"), flash, (model) => {
    if (!model) return [el("p", { class: "note" }, "No repository is indexed. Start with one: "), copyable("waymark up --repo .")];
    /** @type {[string, Part][]} */
    const figures = [
      ["tokens", whole.format(model.tokens)],
      ["lines", whole.format(model.lines)],
      ["files", whole.format(model.files)],
    ];
    const commit = model.commit ? span("mono", model.commit.slice(0, 12), model.commit) : unknown();
    const origin = el("div", { class: "origin" }, span("mono", model.version), el("span", {}, "learned from commit ", commit));
    return [pairs(figures, "figures"), ...languages(model.languages), origin];
  });
}

/** The languages by their share of tokens: a bar, and the same in words. @param {Language[]} languages @returns {Part[]} */
function languages(languages) {
  const sorted = [...languages].sort((a, b) => b.tokens - a.tokens);
  const rest = sorted.slice(5);
  const shown = rest.length > 1 ? sorted.slice(0, 5) : sorted.slice(0, 6);
  if (rest.length > 1) {
    const sum = (/** @type {"files"|"tokens"} */ key) => rest.reduce((total, language) => total + language[key], 0);
    shown.push({ language: `${rest.length} others`, files: sum("files"), tokens: sum("tokens") });
  }
  const total = shown.reduce((sum, language) => sum + language.tokens, 0);
  if (total === 0) return [];
  const bar = el("div", { class: "share", "aria-hidden": "true" });
  const legend = el("ul", { class: "legend", "aria-label": "Languages by share of tokens" });
  shown.forEach((language, index) => {
    const share = (100 * language.tokens) / total;
    const piece = el("span", { class: `hue-${index}` });
    piece.style.flexGrow = String(share);
    bar.append(piece);
    const percent = share < 1 ? "<1 %" : `${Math.round(share)} %`;
    const title = `${counted(language.files, "file")}, ${counted(language.tokens, "token")}`;
    legend.append(el("li", { class: `hue-${index}`, title }, el("b", {}, language.language), el("i", {}, percent)));
  });
  return [bar, legend];
}

/**
 * A column: its head, its cells' class, what a cell depends on, and how it is built from that.
 * @template T
 * @typedef {{head: string, kind: string, label?: string, of: (item: T) => unknown, cell: (item: T) => Part[]}} Column
 */

/** @type {Column<Model>[]} */
const MODEL_COLUMNS = [
  { head: "Model", kind: "c-model", of: (m) => [m.name, m.id, m.provider, m.kind], cell: modelName },
  { head: "State", kind: "c-state", of: (m) => [m.state, m.deployments], cell: modelState },
  { head: "Tasks", kind: "c-tasks", of: (m) => m.tasks, cell: (m) => [m.tasks.map(words).join(", ") || unknown("none")] },
  { head: "Price per M tokens", kind: "c-price", label: "price", of: (m) => m.price, cell: modelPrice },
  { head: "Requests", kind: "c-requests right", label: "requests", of: (m) => m.requests, cell: (m) => [whole.format(m.requests)] },
  { head: "Failures", kind: "c-failures right", label: "failures", of: (m) => m.failures, cell: modelFailures },
  { head: "Last used", kind: "c-used right", label: "used", of: (m) => m.last_used && ago(m.last_used), cell: modelUsed },
  { head: "Last error", kind: "c-error", label: "last error", of: (m) => m.last_error, cell: modelError },
];

/** @param {Model} model @returns {Part[]} */
function modelName(model) {
  const where = model.kind === model.provider ? model.provider : `${model.provider} · ${model.kind}`;
  return [el("strong", {}, model.name), " ", span("soft", where), span("stack mono", model.id)];
}

/** @param {Model} model @returns {Part[]} */
function modelState(model) {
  const deployments = model.deployments ?? [];
  const several = deployments.length > 1;
  const told = deployments.filter((one) => several || one.breaker !== "closed").map((one) => deploymentState(one, several));
  return [mark(STATES[model.state] ?? "quiet", model.state), ...told];
}

/** @param {Deployment} one @param {boolean} named @returns {Part} */
function deploymentState(one, named) {
  const closed = one.breaker === "closed";
  const state = closed ? one.state : `breaker ${words(one.breaker)}`;
  const again = one.opens_again ? `, asked again at ${one.opens_again}` : "";
  const latency = one.latency_micros === null ? "" : `, answers in ${(one.latency_micros / 1000).toFixed(0)} ms`;
  const title = `${one.provider} · ${one.id}: ${whole.format(one.requests)} asked, ${whole.format(one.failures)} failed, ${one.in_flight} under way${latency}${again}`;
  return span(`stack ${closed ? "soft" : ""}`, named ? `${one.name}: ${state}` : state, title);
}

/** @param {Model} model @returns {Part[]} */
function modelPrice(model) {
  return [model.price ? span("", priceText(model.price), priceTitle(model.price)) : unknown()];
}

/** @param {Model} model @returns {Part[]} */
function modelFailures(model) {
  return [span(model.failures > 0 ? "" : "soft", whole.format(model.failures))];
}

/** @param {Model} model @returns {Part[]} */
function modelUsed(model) {
  if (!model.last_used) return [unknown("never")];
  return [el("time", { datetime: model.last_used, title: model.last_used }, `${ago(model.last_used)} ago`)];
}

/** @param {Model} model @returns {Part[]} */
function modelError(model) {
  return [model.last_error ? span("mono", model.last_error) : span("soft", "none")];
}

// ---- Ledger ----------------------------------------------------------------------------------------------------

/** @param {Ledger} ledger */
function showLedger(ledger) {
  const times = [...(ledger.anchors ?? []).map((anchor) => anchor.made), ...(ledger.witnesses ?? []).map((witness) => witness.time)];
  paint(at("ledger"), [ledger, times.map((time) => time && ago(time))], () => [
    el("div", {}, el("h3", {}, "Newest checkpoint"), pairs(ledgerPairs(ledger)), ledgerLinks()),
    el("div", {}, el("h3", {}, "Anchors"), ...anchorParts(ledger.anchors ?? [], ledger.size)),
    el("div", {}, el("h3", {}, "Witnesses"), ...witnessParts(ledger.witnesses ?? [], ledger.size)),
    el("div", {}, el("h3", {}, "Kept"), pairs(keptPairs(ledger))),
  ]);
}

/** @param {Ledger} ledger @returns {[string, Part][]} */
function ledgerPairs(ledger) {
  const waits = ledger.pending === 1 ? "1 entry" : `${whole.format(ledger.pending)} entries`;
  return [
    ["State", ledger.healthy ? mark("ok", "healthy") : mark("bad", ledger.error ?? "cannot write")],
    ["Origin", textOr(ledger.origin, "mono")],
    ["Size", `${whole.format(ledger.size)} leaves`],
    ["Root", ledger.root ? copyableInline(ledger.root, "the root") : unknown("no checkpoint yet")],
    ["Waiting", ledger.pending > 0 ? `${waits} to be put under the tree` : span("soft", "nothing")],
  ];
}

function ledgerLinks() {
  const links = [
    ["/log/checkpoint", "Checkpoint"],
    ["/log/vkey", "Verifier key"],
    ["/metrics", "Metrics"],
  ];
  return el("p", { class: "links" }, ...links.map(([href, text]) => el("a", { href }, text)));
}

/** How far behind the ledger a copy is. @param {number|null} held @param {number} size */
function behind(held, size) {
  if (held === null || held === 0) return "none yet";
  return held >= size ? `${whole.format(held)} leaves, the newest` : `${whole.format(held)} leaves, ${whole.format(size - held)} behind`;
}

/** @param {Anchor[]} anchors @param {number} size @returns {Part[]} */
function anchorParts(anchors, size) {
  if (anchors.length === 0) {
    return [el("p", { class: "note" }, "None. Whoever holds this server's key could write another history: name a place with ", el("code", {}, "[ledger.anchor]"), ".")];
  }
  return [el("ul", { class: "places" }, ...anchors.map((anchor) => placeItem(anchor.kind, anchor.place, anchor.size, size, anchor.made, anchor.error)))];
}

/** @param {Witness[]} witnesses @param {number} size @returns {Part[]} */
function witnessParts(witnesses, size) {
  if (witnesses.length === 0) {
    return [el("p", { class: "note" }, "None. Nobody else signs that there is one history only: name some with ", el("code", {}, "ledger.witnesses"), ".")];
  }
  return [el("ul", { class: "places" }, ...witnesses.map((witness) => placeItem(witness.name, witness.url, witness.size, size, witness.time, witness.error)))];
}

/** @param {string} name @param {string} place @param {number|null} held @param {number} size @param {string|null} time @param {string|null} error */
function placeItem(name, place, held, size, time, error) {
  const tone = error ? "bad" : held ? "ok" : "quiet";
  const facts = [span("soft", behind(held, size)), ...(time ? [el("time", { class: "soft", datetime: time, title: time }, `${ago(time)} ago`)] : [])];
  return el(
    "li",
    {},
    el("div", { class: "line" }, mark(tone, name), ...facts),
    el("div", { class: "mono soft" }, place),
    ...(error ? [el("div", { class: "bad-text" }, error)] : []),
  );
}

/** @param {Ledger} ledger @returns {[string, Part][]} */
function keptPairs(ledger) {
  const kind = { sqlite: "SQLite, on this machine", postgres: "PostgreSQL, shared" }[ledger.store] ?? ledger.store;
  const age = (/** @type {number|null} */ seconds) => (seconds === null || seconds === undefined ? "for good" : `for ${inWords(seconds)}`);
  const failing = ledger.on_failure === "serve" ? "answers go out without a record" : "answers are refused";
  return [
    ["Store", kind ?? unknown()],
    ["Texts", ledger.payloads === "keep" ? "kept, encrypted" : "not kept, only commitments"],
    ["Payloads", age(ledger.keep_payloads_for)],
    ["Records", age(ledger.keep_records_for)],
    ["On failure", failing],
  ];
}

/** A span of time in words, from seconds. @param {number} seconds */
function inWords(seconds) {
  for (const [unit, length] of /** @type {[string, number][]} */ ([["day", 86_400], ["hour", 3_600], ["minute", 60]])) {
    if (seconds >= length && seconds % length === 0) return counted(seconds / length, unit);
  }
  return counted(seconds, "second");
}

/** @param {Model[]} models */
function showModels(models) {
  const create = () => blankRow(MODEL_COLUMNS);
  keep(at("models"), models, (model) => model.name, create, (row, model) => fillRow(row, MODEL_COLUMNS, model));
}

// ---- Virtual keys ----------------------------------------------------------------------------------------------

/** The states a key may be in, and their tones. @type {Record<string, string>} */
const KEY_STATES = { active: "ok", revoked: "quiet", expired: "quiet" };

/** @type {Column<Key>[]} */
const KEY_COLUMNS = [
  { head: "Key", kind: "c-key", of: (k) => [k.id, k.owner, k.label], cell: keyName },
  { head: "State", kind: "c-state", of: (k) => [k.state, k.expires], cell: (k) => [mark(KEY_STATES[k.state] ?? "quiet", k.state, k.expires && `until ${k.expires}`)] },
  { head: "May use", kind: "c-may", label: "may use", of: (k) => [k.routes, k.models], cell: (k) => [[...k.routes, ...k.models].join(", ") || span("soft", "anything")] },
  { head: "Today", kind: "c-today right", label: "today", of: (k) => [k.today, k.limits], cell: (k) => keyUsed(k.today, k.limits.budget_day_micro_usd, k.limits.tokens_day) },
  { head: "This month", kind: "c-month right", label: "this month", of: (k) => [k.this_month, k.limits], cell: (k) => keyUsed(k.this_month, k.limits.budget_month_micro_usd, k.limits.tokens_month) },
];

/** @param {Key} key @returns {Part[]} */
function keyName(key) {
  const label = key.label ? [" ", span("soft", key.label)] : [];
  return [key.owner ? el("strong", {}, key.owner) : unknown("erased"), ...label, span("stack mono", key.id)];
}

/** @param {Used} used @param {number|undefined} budget @param {number|undefined} tokens @returns {Part[]} */
function keyUsed(used, budget, tokens) {
  const most = budget === undefined ? "" : ` of ${rate(budget)}`;
  const limit = tokens === undefined ? "" : ` of ${whole.format(tokens)}`;
  const under = used.reserved_cost_micro_usd;
  const assumed = used.assumed_cost_micro_usd;
  const parts = [assumed > 0 && `${dollars(assumed)} of it assumed`, under > 0 && `${dollars(under)} more under way at most`];
  const title = parts.filter(Boolean).join(", ") || null;
  return [
    span("num", `${dollars(used.cost_micro_usd + assumed)}${most}`, title),
    span("stack num", `${whole.format(used.tokens + used.assumed_tokens)}${limit} tokens, ${counted(used.requests, "request")}`),
  ];
}

/** @param {unknown} answer */
function takeKeys(answer) {
  const { keys } = /** @type {{keys: Key[]}} */ (answer);
  at("keys-card").hidden = keys.length === 0;
  const create = () => blankRow(KEY_COLUMNS);
  keep(at("keys"), keys, (key) => key.id, create, (row, key) => fillRow(row, KEY_COLUMNS, key));
}

/** @template T @param {Column<T>[]} columns */
function blankRow(columns) {
  const cells = columns.map((column) => el("td", { role: "cell", class: column.kind, "data-label": column.label ?? null }));
  return el("tr", { role: "row" }, ...cells);
}

/** @template T @param {HTMLElement} row @param {Column<T>[]} columns @param {T} item */
function fillRow(row, columns, item) {
  columns.forEach((column, index) => paint(row.children[index], column.of(item), () => column.cell(item)));
}

/** @template T @param {string} id @param {Column<T>[]} columns */
function showHead(id, columns) {
  at(id).replaceChildren(
    ...columns.map((column) => el("th", { role: "columnheader", scope: "col", class: column.kind }, column.head)),
  );
}

// ---- Records ---------------------------------------------------------------------------------------------------

/** @param {Row} row */
const outcomeOf = (row) => row.outcome ?? "open";

/** A value that an open record may yet get, and a closed one never stated. @param {Row} row */
function missing(row) {
  if (row.outcome !== null) return unknown();
  return sign("…", "not yet", "unknown");
}

/** @param {Row} row @param {number|null|undefined} value @param {(value: number) => string} show @returns {Part[]} */
const figure = (row, value, show) => [value === null || value === undefined ? missing(row) : show(value)];

/** @type {Column<Row>[]} */
const RECORD_COLUMNS = [
  { head: "Time", kind: "c-time", of: (r) => [r.record, moment(r.started)], cell: recordTime },
  { head: "Task", kind: "c-task", of: (r) => [r.task, r.stream, r.dialect], cell: recordTask },
  { head: "Client · repository", kind: "c-client", of: (r) => [r.client, r.repository, r.session], cell: recordClient },
  { head: "Requested → resolved → served", kind: "c-models", of: modelsOf, cell: recordModels },
  { head: "Route · reason", kind: "c-reason", of: (r) => [r.reason, r.route, r.attempts], cell: recordReason },
  { head: "Outcome", kind: "c-outcome", of: (r) => [r.outcome, r.error], cell: (r) => [outcomeMark(outcomeOf(r), r.error)] },
  { head: "Latency", kind: "c-latency right", of: (r) => [r.latency_micros, r.outcome], cell: (r) => figure(r, r.latency_micros, duration) },
  { head: "Tokens in", kind: "c-in right", label: "in", of: (r) => [r.usage?.input, r.outcome], cell: (r) => figure(r, r.usage?.input, whole.format) },
  { head: "Out", kind: "c-out right", label: "out", of: (r) => [r.usage?.output, r.outcome], cell: (r) => figure(r, r.usage?.output, whole.format) },
  { head: "Cost", kind: "c-cost right", label: "cost", of: (r) => [r.cost_micro_usd, r.outcome], cell: (r) => figure(r, r.cost_micro_usd, dollars) },
];

/** @param {Row} row */
function modelsOf(row) {
  return [row.requested_model, row.resolved_model, row.served_model, row.outcome];
}

/** @param {Row} row @returns {Part[]} */
function recordClient(row) {
  const inRow = { inRow: true, kind: "clip" };
  const parts = [narrowing("client", row.client, row.client ?? "", inRow)];
  const second = [];
  if (row.repository) second.push(narrowing("repository", row.repository, row.repository, inRow));
  if (row.session) second.push(narrowing("session", row.session, shortSession(row.session), inRow));
  if (second.length > 0) parts.push(el("span", { class: "second" }, ...second));
  return parts;
}

/** @param {string} session */
const shortSession = (session) => (session.length > 18 ? `${session.slice(0, 17)}…` : session);

/** @param {Row} row @returns {Part[]} */
function recordTime(row) {
  const time = el("time", { datetime: row.started, title: row.started }, moment(row.started));
  const attributes = { type: "button", class: "open-record", "aria-controls": "panel", "aria-expanded": "false" };
  return [el("button", attributes, heard("Show the record of "), time)];
}

/** @param {Row} row @returns {Part[]} */
function recordTask(row) {
  const task = row.task ? words(row.task) : unknown();
  return [el("span", { class: "task", title: row.dialect }, task, ...(row.stream ? [tag("stream")] : []))];
}

/**
 * The three models on one line; where the provider served another than it was sent, both names whole.
 * @param {Row} row
 * @returns {Part[]}
 */
function recordModels(row) {
  const names = [textOr(row.requested_model, "requested"), step("resolved"), resolvedPart(row), step("served"), servedPart(row)];
  const spaced = names.flatMap((name) => [name, " "]);
  return [el("span", { class: differs(row) ? "models-line whole" : "models-line" }, ...spaced)];
}

/** @param {string} word */
const step = (word) => sign("→", `, ${word}: `, "step");

/** @param {Row} row @returns {Part} */
function resolvedPart(row) {
  if (row.resolved_model !== null) {
    if (differs(row)) return span("resolved", row.resolved_model, row.resolved_model);
    return narrowing("model", row.served_model ?? row.resolved_model, row.resolved_model, { inRow: true, kind: "resolved" });
  }
  return row.outcome === "refused" ? unknown("nothing sent") : missing(row);
}

/** @param {Row} row @returns {Part} */
function servedPart(row) {
  if (row.served_model === null) return row.outcome === "refused" ? unknown("none") : missing(row);
  if (differs(row)) return otherModel(row.served_model, "differs", true);
  if (row.resolved_model === null) return span("", row.served_model, row.served_model);
  return span("soft same", "same", row.served_model);
}

/** @param {string} served @param {string} [words] @param {boolean} [inRow] */
const otherModel = (served, words = "differs", inRow = false) =>
  el("span", { class: "other" }, narrowing("model", served, served, { kind: "differs", inRow }), " ", tag(words, "warn"));

/** A code that may be broken after its underscores. @param {string} code @returns {Part[]} */
const breakable = (code) => code.split(/(?<=_)/).flatMap((part) => [part, el("wbr")]);

/** @param {Row} row @returns {Part[]} */
function recordReason(row) {
  const reason = row.reason ? el("code", {}, ...breakable(row.reason)) : unknown();
  const route = row.route ? el("span", { class: "second" }, narrowing("route", row.route, row.route, { inRow: true })) : "";
  return [reason, route, ...(row.attempts > 1 ? [" ", tag(counted(row.attempts, "attempt"))] : [])];
}

/** @param {string} outcome @param {string|null|undefined} [error] */
function outcomeMark(outcome, error) {
  const [tone, meaning] = OUTCOMES[outcome] ?? ["quiet", ""];
  return mark(tone, words(outcome), error ?? meaning);
}

/** @param {Row[]} shown */
function showRecords(shown) {
  const body = at("rows");
  const fresh = body.childElementCount > 0 && !page.older;
  const focused = body.contains(document.activeElement);
  holdScroll(() =>
    keep(body, shown, (row) => row.record, () => blankRecord(fresh), (line, row) => fillRow(line, RECORD_COLUMNS, row)),
  );
  if (focused && !body.contains(document.activeElement)) {
    body.lastElementChild?.querySelector("button")?.focus({ preventScroll: true });
  }
  markSelected();
  at("records-table").hidden = shown.length === 0;
  paint(at("summary"), [summary(shown)], ([text]) => [text]);
  paint(at("newer"), page.ahead, (ahead) => (ahead ? [newerButton()] : []));
  paint(at("empty"), [shown.length === 0, page.next, page.filters, page.status === null], () => emptyText(shown));
  paint(at("older"), [shown.length, page.next, page.older], () => olderParts(shown));
}

/** @param {boolean} fresh */
function blankRecord(fresh) {
  const row = blankRow(RECORD_COLUMNS);
  if (fresh) row.classList.add("fresh");
  return row;
}

/** Keeps what the reader looks at where it is while rows come in above it. @param {() => void} change */
function holdScroll(change) {
  const rows = /** @type {HTMLElement[]} */ ([...at("rows").children]);
  const top = (/** @type {HTMLElement} */ row) => row.getBoundingClientRect().top;
  const anchor = rows.length > 0 && top(rows[0]) < 0 ? rows.find((row) => row.getBoundingClientRect().bottom > 0) : undefined;
  const before = anchor ? top(anchor) : 0;
  change();
  if (anchor?.isConnected) scrollBy(0, top(anchor) - before);
}

/** @param {Row[]} shown */
function summary(shown) {
  if (shown.length === 0) return "";
  const ended = shown.filter((row) => row.outcome !== null);
  const costs = ended.map((row) => row.cost_micro_usd).filter((cost) => cost !== null);
  const total = costs.reduce((sum, cost) => sum + cost, 0);
  const problems = shown.filter((row) => PROBLEMS.includes(outcomeOf(row))).length;
  const parts = [page.next ? `newest ${whole.format(shown.length)}` : `all ${whole.format(shown.length)}`];
  if (problems > 0) parts.push(counted(problems, "problem"));
  if (costs.length > 0) parts.push(`known cost ${dollars(total)}`);
  if (costs.length < ended.length) parts.push(`cost of ${ended.length - costs.length} unknown`);
  return parts.join(" · ");
}

/** @param {string} text @param {() => void} act @param {string} [kind] */
function button(text, act, kind = "plain") {
  const made = el("button", { type: "button", class: kind }, text);
  made.addEventListener("click", act);
  return made;
}

/** @param {Row[]} shown @returns {Part[]} */
function emptyText(shown) {
  if (shown.length > 0) return [];
  if (Object.keys(page.filters).length > 0) return nothingFound();
  if (page.next) return [];
  const kept = page.status?.ledger.keep_records_for ?? null;
  const answered = page.status?.models.some((model) => model.requests > 0) ?? false;
  if (kept !== null && answered) return [el("p", {}, `No record is left: what records say is kept for ${inWords(kept)}. Their leaves stay in the tree.`)];
  const body = JSON.stringify({ model: "auto", prompt: "fn main() {\n    ", suffix: "\n}\n", max_tokens: 64 });
  const request = `curl -i ${location.origin}/v1/completions \\\n  -H 'content-type: application/json' \\\n  -d '${body}'`;
  return [
    el("p", {}, el("strong", {}, "No request has been answered yet.")),
    el("p", {}, "Send one, and its record appears here:"),
    copyable(request),
  ];
}

/** @returns {Part[]} */
function nothingFound() {
  const { last, since, until, principal } = page.filters;
  const head = page.next ? "No record among those looked at matches every filter." : "No record matches every filter.";
  const parts = [el("p", {}, el("strong", {}, head))];
  if (page.next) parts.push(el("p", {}, "Older ones may: look further back below, or take a filter away above."));
  else parts.push(el("p", {}, "Values are compared whole and letter by letter. Take a filter away above."));
  if (principal) parts.push(el("p", {}, "Who was erased is not found by name any more."));
  const away = [];
  if (last || since || until) away.push(button("Search all time", () => filterBy({ last: "", since: "", until: "" })));
  away.push(button("Clear all filters", () => setFilters({})));
  parts.push(el("p", { class: "acts" }, ...away));
  return parts;
}

/** What is below the last row. @param {Row[]} shown @returns {Part[]} */
function olderParts(shown) {
  if (!page.next) return shown.length > PAGE / 2 ? [span("soft", "There is nothing older.")] : [];
  const text = page.older ? "Looking …" : shown.length === 0 ? "Look further back" : "Show older";
  const more = button(text, () => void readOlder());
  if (page.older) more.setAttribute("aria-disabled", "true");
  return [more, span("soft", `Looked back to ${moment(new Date(timeOf(page.next)).toISOString())}.`)];
}

function newerButton() {
  return button("Many new records: show the newest", () => {
    restart();
    scrollTo({ top: at("records-card").offsetTop });
  });
}

// ---- What narrows the list -------------------------------------------------------------------------------------

/** Builds the controls, once. */
function buildFilters() {
  const option = (/** @type {[string, string]} */ [value, text]) => el("option", { value }, text);
  const spans = Object.entries(SPANS).map(([name, [text]]) => /** @type {[string, string]} */ ([name, text]));
  /** @type {[string, string][]} */
  const times = [["", "all time"], ...spans, ["custom", "from … to …"]];
  const fields = [labelled("Time", "last", el("select", { id: "filter-last" }, ...times.map(option)))];
  for (const [name, text] of [["since", "From"], ["until", "To"]]) {
    fields.push(labelled(text, name, el("input", { id: `filter-${name}`, type: "datetime-local", step: "1" })));
  }
  for (const [name, text] of Object.entries(FIELDS)) {
    if (name === "outcome") {
      const codes = Object.keys(OUTCOMES).filter((code) => code !== "open");
      const outcomes = codes.map((code) => /** @type {[string, string]} */ ([code, words(code)]));
      fields.push(labelled(text, name, el("select", { id: "filter-outcome" }, ...[/** @type {[string, string]} */ (["", "any"]), ...outcomes].map(option))));
      continue;
    }
    const input = el("input", { id: `filter-${name}`, list: `known-${name}`, placeholder: "any", autocomplete: "off", spellcheck: "false" });
    fields.push(labelled(text, name, input, el("datalist", { id: `known-${name}` })));
  }
  at("filters").append(...fields);
}

/** @param {string} text @param {string} name @param {...HTMLElement} control */
function labelled(text, name, ...control) {
  return el("div", { class: `field f-${name}` }, el("label", { for: `filter-${name}` }, text), ...control);
}

/** @param {string} name */
const control = (name) => /** @type {HTMLInputElement} */ (at(`filter-${name}`));

/** A time as a `datetime-local` control has it: the reader's zone, without saying so. @param {string|undefined} stamp */
function localTime(stamp) {
  if (!stamp) return "";
  const date = new Date(stamp);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

/** Shows the filters in use, in the controls and as chips. */
function showFilters() {
  const { filters } = page;
  for (const name of Object.keys(FIELDS)) control(name).value = filters[name] ?? "";
  const custom = Boolean(filters.since || filters.until);
  control("last").value = filters.last ?? (custom ? "custom" : "");
  showCustom(custom);
  for (const name of ["since", "until"]) control(name).value = localTime(filters[name]);
  const names = Object.keys(filters);
  paint(at("chips"), filters, () => {
    if (names.length === 0) return [];
    return [...names.map(chip), el("li", {}, button("Clear all", () => setFilters({}), "plain small"))];
  });
  at("chips").hidden = names.length === 0;
}

/** @param {boolean} custom */
function showCustom(custom) {
  for (const name of ["since", "until"]) /** @type {HTMLElement} */ (control(name).parentElement).hidden = !custom;
}

/** @param {string} name */
function chip(name) {
  const value = page.filters[name];
  const label = { last: "Time", since: "From", until: "To" }[name] ?? FIELDS[name];
  const shown = name === "last" ? SPANS[value][0] : name === "since" || name === "until" ? moment(value) : name === "outcome" ? words(value) : value;
  const away = button("×", () => filterBy({ [name]: "" }), "away-chip");
  away.setAttribute("aria-label", `Take away the filter ${label} ${shown}`);
  return el("li", { class: "chip" }, span("soft", label), " ", el("b", { title: value }, shown), away);
}

/** Values to choose from: what is configured, and what the rows at hand say. */
function showKnown() {
  const rows = page.records ?? [];
  /** @type {Record<string, (string|null|undefined)[]>} */
  const known = {
    model: [...(page.status?.models ?? []).map((model) => model.id), ...rows.map((row) => row.served_model ?? row.resolved_model)],
    route: (page.status?.routes ?? []).map((route) => route.name),
    repository: rows.map((row) => row.repository),
    client: rows.map((row) => row.client),
    session: rows.map((row) => row.session),
    principal: rows.map((row) => row.principal),
  };
  for (const [name, values] of Object.entries(known)) {
    const distinct = [...new Set(values.filter(Boolean))].sort().slice(0, 100);
    paint(at(`known-${name}`), distinct, () => distinct.map((value) => el("option", { value: value ?? "" })));
  }
}

/** A control was changed by hand. @param {Event} event */
function filterChanged(event) {
  const changed = /** @type {HTMLInputElement} */ (event.target);
  const name = changed.id.replace("filter-", "");
  const value = changed.value.trim();
  if (name === "last" && value === "custom") {
    const start = page.filters.last ? SPANS[page.filters.last][1] : SPANS.day[1];
    filterBy({ last: "", since: new Date(Date.now() - start).toISOString() });
  } else if (name === "last") {
    filterBy({ last: value, since: "", until: "" });
  } else if (name === "since" || name === "until") {
    filterBy({ last: "", [name]: value ? new Date(value).toISOString() : "" });
  } else {
    filterBy({ [name]: value });
  }
}

/** @param {Filters} more */
const filterBy = (more) => setFilters({ ...page.filters, ...more });

/** @param {Filters} filters */
function setFilters(filters) {
  const wanted = tidy(filters);
  if (JSON.stringify(wanted) === JSON.stringify(page.filters)) return;
  page.filters = wanted;
  history.pushState(null, "", writeAddress(page.selected, wanted));
  showFilters();
  restart();
}

/** Forgets the list and reads it anew. */
function restart() {
  page.turn += 1;
  Object.assign(page, { records: null, next: null, ahead: false, older: false });
  at("records-card").setAttribute("aria-busy", "true");
  refreshRecords().then(
    () => page.records && say(`${counted(page.records.length, "record")} shown`),
    (error) => showLink(troubleText(error)),
  );
}

// ---- Reading the list ------------------------------------------------------------------------------------------

/** @typedef {{records: Row[], next: string|null}} Page */

/** @param {Record<string, string>} more @returns {Promise<Page>} */
async function readPage(more) {
  const query = new URLSearchParams(question(page.filters, { limit: String(PAGE), ...more }));
  return /** @type {Page} */ (await read(`${RECORDS}?${query}`));
}

/** Reads what is new; what was read before stays. An answer to filters that were changed meanwhile counts for nothing. */
async function refreshRecords() {
  const turn = page.turn;
  try {
    const fresh = page.records ? await readNew(page.records) : await readPage({});
    if (turn !== page.turn) return;
    if (!fresh) page.ahead = true;
    else if (!page.records) Object.assign(page, fresh);
    else page.records = joined(fresh.records, page.records);
    page.readAt = Date.now();
    listTrouble("");
    at("records-card").removeAttribute("aria-busy");
    showRecords(page.records ?? []);
    showKnown();
    if (page.detail) showDetail(page.detail);
    if (page.selected && !(page.detail?.ended && page.detail.proof?.verified)) void readDetail(page.selected);
  } catch (error) {
    if (turn !== page.turn) return;
    if (!(error instanceof Refusal && error.status === 400)) throw error;
    // The address asked for what there is not: said where it can be put right.
    page.records ??= [];
    at("records-card").removeAttribute("aria-busy");
    showRecords(page.records);
    listTrouble(error.message);
  }
}

/**
 * The newest records down to those that may have ended since; none when they cannot be joined to those at hand.
 * @param {Row[]} known @returns {Promise<Page|null>}
 */
async function readNew(known) {
  const newest = known[0]?.record ?? "";
  const from = newest ? timeOf(newest) : page.readAt;
  const since = { since: new Date(from - UNSETTLED_MS).toISOString() };
  const fresh = await readPage(since);
  for (let pages = 0; known.length > 0 && fresh.next && oldest(fresh) > newest; pages += 1) {
    if (pages === GAP_PAGES) return null;
    const more = await readPage({ ...since, before: fresh.next, limit: String(MOST) });
    fresh.records.push(...more.records);
    fresh.next = more.next;
  }
  const open = known.findLastIndex((row) => row.outcome === null && row.record < oldest(fresh));
  if (open > 0) {
    // One that was open when it was read, beyond what was just read again.
    const again = await readPage({ before: known[open - 1].record, limit: "1" });
    fresh.records.push(...again.records.filter((row) => row.record === known[open].record));
  }
  return fresh;
}

/** The oldest record that a page looked at. @param {Page} fresh */
const oldest = (fresh) => fresh.next ?? fresh.records.at(-1)?.record ?? "";

/** Both, newest first, each record once. @param {Row[]} fresh @param {Row[]} known */
function joined(fresh, known) {
  const all = new Map([...known, ...fresh].map((row) => [row.record, row]));
  return [...all.values()].sort((a, b) => (a.record < b.record ? 1 : -1));
}

async function readOlder() {
  if (page.older || !page.next || !page.records) return;
  const { turn, next } = page;
  page.older = true;
  showRecords(page.records);
  const focused = document.activeElement === document.body || at("older").contains(document.activeElement);
  try {
    const more = await readPage({ before: next });
    if (turn !== page.turn) return;
    const count = page.records.length;
    page.records = joined(more.records, page.records);
    page.next = more.next;
    listTrouble("");
    showRecords(page.records);
    say(`${counted(page.records.length - count, "older record")}`);
  } catch (error) {
    if (turn === page.turn) listTrouble(`Older records could not be read. ${troubleText(error)}`);
  }
  page.older = false;
  showRecords(page.records);
  if (focused) (at("older").querySelector("button") ?? at("rows").lastElementChild?.querySelector("button") ?? at("records")).focus({ preventScroll: true });
}

/** @param {string} text */
function listTrouble(text) {
  at("list-trouble").hidden = !text;
  paint(at("list-trouble"), text, (text) => [text]);
}

// ---- One record ------------------------------------------------------------------------------------------------

/** Opens a record beside the table. @param {string} id @param {boolean} [focus] */
function select(id, focus = true) {
  if (page.selected !== id) page.detail = null;
  page.selected = id;
  at("panel").hidden = false;
  markSelected();
  history.replaceState(null, "", writeAddress(id, page.filters));
  if (!page.detail) paint(at("panel-body"), ["reading", id], () => [el("p", { class: "note" }, "Reading the record.")]);
  if (focus) at("panel-title").focus();
  void readDetail(id);
}

function deselect() {
  const opener = rowOf(page.selected)?.querySelector("button");
  page.selected = "";
  page.detail = null;
  at("panel").hidden = true;
  markSelected();
  history.replaceState(null, "", writeAddress("", page.filters));
  (opener ?? at("records")).focus();
}

/** @param {string} id */
const rowOf = (id) => /** @type {HTMLElement[]} */ ([...at("rows").children]).find((row) => row.dataset.key === id);

function markSelected() {
  for (const row of /** @type {HTMLElement[]} */ ([...at("rows").children])) {
    const chosen = row.dataset.key === page.selected;
    if (chosen) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
    row.querySelector("button")?.setAttribute("aria-expanded", String(chosen));
  }
}

/** @param {string} id */
async function readDetail(id) {
  try {
    const detail = /** @type {Detail} */ (await read(`${RECORDS}/${encodeURIComponent(id)}`));
    if (page.selected !== id) return;
    page.detail = detail;
    showDetail(detail);
  } catch (error) {
    if (page.selected !== id || page.detail) return;
    const final = error instanceof Refusal && [400, 404, 410].includes(error.status);
    const text = final ? sentence(error.message) : `The record could not be read. ${troubleText(error)}`;
    paint(at("panel-body"), ["trouble", id, text], () => [el("p", { class: "trouble" }, text)]);
  }
}

/** @param {Detail} detail */
function showDetail(detail) {
  const row = page.records?.find((row) => row.record === detail.record);
  paint(at("panel-body"), [detail, row], () => detailParts(detail, row));
}

/** @param {Detail} detail @param {Row|undefined} row @returns {Part[]} */
function detailParts(detail, row) {
  const outcome = detail.outcome ?? row?.outcome ?? (detail.ended ? null : "open");
  const error = detail.error ?? row?.error;
  const model = detail.served_model ?? detail.resolved_model;
  return [
    pairs([
      ["Record", copyableInline(detail.record, "the record's id")],
      ...(outcome ? [outcomePair(outcome)] : []),
      ["Started", textOr(detail.started, "mono")],
      ["Ended", detail.ended ? textOr(detail.ended, "mono") : unknown("not yet")],
      ["Requested", textOr(detail.requested_model)],
      ["Resolved", differs(detail) || !detail.resolved_model ? textOr(detail.resolved_model) : narrowing("model", model, detail.resolved_model)],
      ["Served", differs(detail) ? otherModel(detail.served_model ?? "", "differs from resolved") : narrowing("model", detail.served_model)],
      ["Provider", textOr(detail.provider)],
    ]),
    ...(error ? [el("p", { class: "trouble" }, error)] : []),
    copyable(`waymark why ${detail.record}`),
    ...section("Decision", decisionParts(detail.decision)),
    ...section("Attempts", [attemptList(detail.attempts)]),
    ...section("Tokens and cost", [usagePairs(detail)]),
    ...section("Asked by", [askedBy(detail)]),
    ...(detail.sources?.length ? section("Suggestion taken from", [sourceList(detail.sources)]) : []),
    ...section("Proof", proofParts(detail.proof)),
  ];
}

/** @param {string} outcome @returns {[string, Part]} */
const outcomePair = (outcome) => ["Outcome", outcomeMark(outcome)];

/** @param {string} title @param {Part[]} parts @returns {Part[]} */
const section = (title, parts) => [el("h3", {}, title), ...parts];

/** @param {Detail["decision"]} decision @returns {Part[]} */
function decisionParts(decision) {
  if (!decision) return [unknown()];
  const reasons = el("ol", { class: "reasons" }, ...decision.reasons.map((reason) => el("li", {}, el("code", {}, reason))));
  return [
    pairs([
      ["Reason", el("code", {}, decision.reason)],
      ["Route", narrowing("route", decision.route)],
      ...ladderPairs(decision.ladder),
      ...shadowPairs(decision),
      ["Policy", textOr(decision.policy)],
      ["Snapshot", textOr(decision.snapshot, "mono")],
      ["On the way", decision.reasons.length > 0 ? reasons : unknown("none")],
    ]),
  ];
}

/** @param {number} weight */
const thousandths = (weight) => (weight / 1000).toFixed(3);

/** @param {Ladder|undefined} ladder @returns {[string, Part][]} */
function ladderPairs(ladder) {
  if (!ladder) return [];
  /** @type {[string, Part][]} */
  const rows = [["Rung", `${ladder.rung}, taken at event ${ladder.since} of ${ladder.events}`]];
  if (ladder.evidence.length > 0) {
    const fired = ladder.evidence.map((seen) => el("li", {}, el("code", {}, `${seen.rule}@${seen.version}`), ` ${seen.count} times: ${thousandths(seen.weight)}`));
    rows.push(["Evidence", el("ol", { class: "reasons" }, ...fired)]);
    rows.push(["Score", `${thousandths(ladder.score)}; climbs at ${thousandths(ladder.climb_at)}`]);
  }
  const change = ladder.switch;
  if (change) {
    const cost = typeof change.cost_micro_usd === "number" ? dollars(change.cost_micro_usd) : "an unknown price";
    const left = change.to === ladder.rung ? "" : ", weighed and left";
    rows.push(["Change of model", `${change.from} to ${change.to}${left}: about ${change.uncached_tokens} tokens read afresh for ${cost}`]);
  }
  return rows;
}

/** @param {Decision} decision @returns {[string, Part][]} */
function shadowPairs(decision) {
  const shadow = decision.shadow;
  if (!shadow) return [];
  return [["In the shadow", `the route ${shadow.route} would have asked ${shadow.model ?? "nobody"} (${shadow.reason}); nothing was done about it`]];
}

/** @param {Attempt[]|null} attempts */
function attemptList(attempts) {
  if (attempts === null) return el("p", { class: "note" }, "Not known: they are written down when the answer has ended.");
  if (attempts.length === 0) return el("p", { class: "note" }, "No upstream was asked.");
  return el("ol", { class: "attempts" }, ...attempts.map(attemptItem));
}

/** @param {Attempt} attempt @param {number} index */
function attemptItem(attempt, index) {
  const status = typeof attempt.status === "number" ? `HTTP ${attempt.status}` : attempt.status;
  const micros = attempt.ended ? microsOf(attempt.ended) - microsOf(attempt.started) : null;
  const facts = [status, attempt.error, micros === null ? null : duration(micros), attempt.next && `then ${words(attempt.next)}`];
  const line = (/** @type {Part[]} */ ...parts) => el("div", { class: "line" }, ...parts);
  const item = el(
    "li",
    { class: attempt.served ? "served" : "" },
    line(el("strong", {}, `${index + 1}. ${attempt.model}`), span("soft", attempt.provider)),
    line(...(attempt.outcome ? [outcomeMark(attempt.outcome)] : []), facts.filter(Boolean).join(" · ")),
  );
  if (attempt.served) item.firstElementChild?.append(tag("answered the client", "ok"));
  if (attempt.served_model !== null && attempt.served_model !== attempt.model) {
    item.append(line(span("differs", `served by ${attempt.served_model}`)));
  }
  return item;
}

/** @param {Detail} detail */
function usagePairs(detail) {
  const usage = detail.usage;
  const tokens = (/** @type {number|null|undefined} */ value) =>
    value === null || value === undefined ? unknown() : whole.format(value);
  return pairs([
    ["Input", tokens(usage?.input)],
    ["from cache", tokens(usage?.cached_input)],
    ["to cache", tokens(usage?.cache_write)],
    ["Output", tokens(usage?.output)],
    ["reasoning", tokens(usage?.reasoning)],
    ["Cost", detail.cost_micro_usd === null ? unknown() : dollars(detail.cost_micro_usd)],
  ]);
}

/** @param {Detail} detail */
function askedBy(detail) {
  const erased = el("span", {}, unknown("erased"), " ", span("mono soft", detail.subject, "The pseudonym that the record carries"));
  return pairs([
    ["Principal", detail.principal ? narrowing("principal", detail.principal) : erased],
    ["Client", narrowing("client", detail.client)],
    ["Session", narrowing("session", detail.session, detail.session ?? "", { kind: "mono" })],
    ["Repository", narrowing("repository", detail.repository)],
    ["Dialect", `${detail.dialect}${detail.stream ? ", streamed" : ""}`],
  ]);
}

/** @param {Source[]} sources */
function sourceList(sources) {
  const place = (/** @type {Source} */ source) => {
    const facts = [source.commit ? `at ${source.commit.slice(0, 12)}` : "not committed", source.licence].filter(Boolean).join(", ");
    return el("li", {}, el("code", {}, `${source.path}:${source.line}`), " ", span("soft", facts));
  };
  return el("ol", { class: "reasons" }, ...sources.map(place));
}

/** @param {Proof|null} proof @returns {Part[]} */
function proofParts(proof) {
  if (!proof) return [el("p", {}, mark("busy", "waits to be put under the tree")), el("p", { class: "note" }, "It is durable; a checkpoint covers it within moments.")];
  const waits = proof.problem?.includes("waits to be put under the tree") ?? false;
  const state = proof.verified ? mark("ok", "verified") : waits ? mark("busy", "waits") : mark("bad", "not verified");
  return [
    pairs([
      ["Inclusion", state],
      ["Leaf", `index ${whole.format(proof.leaf_index)} in a tree of ${whole.format(proof.tree_size)}`],
      ["Origin", textOr(proof.origin, "mono")],
      ["Root", copyableInline(proof.root, "the root")],
    ]),
    ...(proof.problem ? [el("p", { class: waits ? "note" : "trouble" }, sentence(proof.problem))] : []),
  ];
}

// ---- Reading the server ----------------------------------------------------------------------------------------

/** @param {string} path @returns {Promise<unknown>} */
async function read(path) {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const response = await fetch(path, { headers: { accept: "application/json" }, cache: "no-store", signal });
  if (!response.ok) throw new Refusal((await toldBy(response)) ?? `${path.split("?")[0]} answered ${response.status}`, response.status);
  return response.json();
}

/** The server's own words for what is wrong. @param {Response} response @returns {Promise<string|null>} */
async function toldBy(response) {
  try {
    const message = (await response.json()).error?.message;
    return typeof message === "string" ? message : null;
  } catch {
    return null;
  }
}

/** @param {string} text */
const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

/**
 * Reads and shows; an answer that cannot be shown is trouble too, never silence.
 * @param {string} path
 * @param {(answer: unknown) => void} show
 */
async function readInto(path, show) {
  const answer = await read(path);
  try {
    show(answer);
  } catch (error) {
    console.error(error);
    throw new Refusal(`${path.split("?")[0]} answered what this page cannot read`);
  }
}

/** The server answered, but not with what was asked for. */
class Refusal extends Error {
  /** @param {string} message @param {number} [status] */
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

/** @param {unknown} error */
const troubleText = (error) =>
  error instanceof Refusal ? `Waymark is in trouble (${error.message}), retrying.` : "Waymark is not answering, retrying.";

/** Reads every endpoint once; each keeps its last data when it fails. */
async function refresh() {
  if (page.reading) return;
  page.reading = true;
  clearTimeout(page.timer);
  const answers = await Promise.allSettled([readInto("/admin/status", takeStatus), readInto("/admin/keys", takeKeys), refreshRecords()]);
  page.reading = false;
  const failed = answers.find((answer) => answer.status === "rejected");
  page.failures = failed ? page.failures + 1 : 0;
  if (!failed) page.answered = new Date();
  showLink(failed ? troubleText(failed.reason) : "");
  schedule();
}

function schedule() {
  clearTimeout(page.timer);
  if (document.hidden) return;
  page.timer = setTimeout(refresh, Math.min(EVERY_MS * 2 ** page.failures, SLOWEST_MS));
}

/** @param {unknown} answer */
function takeStatus(answer) {
  const status = /** @type {Status} */ (answer);
  page.status = status;
  showHeader(status);
  showRoutes(status);
  showFlash(status.flash);
  showModels(status.models);
  showLedger(status.ledger);
}

// ---- The reader's hands ----------------------------------------------------------------------------------------

/** @param {MouseEvent} event */
function rowClicked(event) {
  if (!(event.target instanceof Element) || event.target.closest(".narrow")) return;
  const row = event.target.closest("tr");
  const selecting = getSelection()?.type === "Range";
  if (row?.dataset.key && !selecting) select(row.dataset.key);
}

/** A value that narrows was clicked, in a row or in the record's details. @param {MouseEvent} event */
function narrowClicked(event) {
  const value = event.target instanceof Element ? /** @type {HTMLElement|null} */ (event.target.closest(".narrow")) : null;
  if (!value?.dataset.field || !value.dataset.value) return;
  // Where the details cover the list, what was asked for is behind them.
  if (at("panel").contains(value) && innerWidth < 820) deselect();
  filterBy({ [value.dataset.field]: value.dataset.value });
}

/** @param {SubmitEvent} event */
function findRecord(event) {
  event.preventDefault();
  const id = /** @type {HTMLInputElement} */ (at("find-record")).value.trim();
  if (id) select(id);
}

/** Arrows walk the rows, and take the open record along. @param {KeyboardEvent} event */
function rowKey(event) {
  const row = event.target instanceof Element ? event.target.closest("tr") : null;
  const next = { ArrowDown: row?.nextElementSibling, ArrowUp: row?.previousElementSibling }[event.key];
  if (!(next instanceof HTMLElement)) return;
  event.preventDefault();
  next.querySelector("button")?.focus();
  if (page.selected && next.dataset.key) select(next.dataset.key, false);
}

/** @param {KeyboardEvent} event */
function pageKey(event) {
  const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
  if (event.key === "Escape" && page.selected && !typing) deselect();
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    at("find-record").focus();
  }
}

/** Takes up what the address says: at the start, and when the reader goes back. */
function openFromAddress() {
  const { record, filters } = readAddress(location.hash);
  if (JSON.stringify(filters) !== JSON.stringify(page.filters)) {
    page.filters = filters;
    restart();
  }
  showFilters();
  if (record && record !== page.selected) select(record, false);
  if (!record && page.selected) deselect();
}

function start() {
  showHead("models-head", MODEL_COLUMNS);
  showHead("keys-head", KEY_COLUMNS);
  showHead("records-head", RECORD_COLUMNS);
  buildFilters();
  const small = matchMedia("(max-width: 599px)");
  const fold = () => at("filter-box").toggleAttribute("open", !small.matches);
  small.addEventListener("change", fold);
  fold();
  at("filters").addEventListener("change", filterChanged);
  at("find").addEventListener("submit", /** @type {EventListener} */ (findRecord));
  at("rows").addEventListener("click", rowClicked);
  at("rows").addEventListener("keydown", rowKey);
  at("panel-close").addEventListener("click", deselect);
  document.addEventListener("click", narrowClicked);
  document.addEventListener("keydown", pageKey);
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(page.timer) : void refresh()));
  addEventListener("online", () => void refresh());
  addEventListener("hashchange", openFromAddress);
  page.filters = readAddress(location.hash).filters;
  openFromAddress();
  void refresh();
}

start();
