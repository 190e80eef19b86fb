// @ts-check
// The page at `/`: reads /admin/status and /admin/records every two seconds and shows what they say.
// Every value reaches the page as text, never as markup; a value nobody stated is shown as unknown.

/** @typedef {{input: number|null, cached_input: number|null, cache_write: number|null, output: number|null, reasoning?: number|null}} Usage */
/** @typedef {{input: number, cached_input: number, cache_write: number, output: number}} Price */
/** @typedef {{language: string, files: number, tokens: number}} Language */
/** @typedef {{version: string, files: number, tokens: number, lines: number, commit: string|null, languages: Language[]}} Flash */
/** @typedef {{name: string, id: string, provider: string, kind: string, tasks: string[], price: Price|null, state: string, requests: number, failures: number, last_used: string|null, last_error: string|null}} Model */
/** @typedef {{name: string, ladder: string[]}} Route */
/** @typedef {{origin: string, size: number, root: string, payloads: string, healthy: boolean, error: string|null, on_failure?: string}} Ledger */
/** @typedef {{version: string, started: string, listen: string, repository: string|null, flash: Flash|null, routes: Route[], models: Model[], ledger: Ledger}} Status */
/** @typedef {{record: string, started: string, ended: string|null, task: string|null, dialect: string, stream: boolean, client: string|null, session: string|null, requested_model: string|null, resolved_model: string|null, served_model: string|null, provider: string|null, route: string|null, reason: string|null, outcome: string|null, latency_micros: number|null, usage: Usage|null, cost_micro_usd: number|null, attempts: number, error: string|null}} Row */
/** @typedef {{provider: string, model: string, served_model: string|null, started: string, ended: string|null, status: number|string|null, outcome?: string|null, error: string|null, next: string|null, served: boolean}} Attempt */
/** @typedef {{origin: string, tree_size: number, leaf_index: number, root: string, verified: boolean}} Proof */
/** @typedef {{path: string, line: number, commit?: string|null, licence?: string|null}} Source */
/** @typedef {{record: string, requested_model: string|null, resolved_model: string|null, served_model: string|null, provider: string|null, decision: {route: string|null, policy: string, reason: string, reasons: string[], snapshot: string}|null, attempts: Attempt[], client: string|null, session: string|null, principal: string|null, started: string, ended: string|null, outcome?: string|null, error?: string|null, usage: Usage|null, cost_micro_usd: number|null, proof: Proof|null, sources?: Source[]}} Detail */
/** @typedef {Node | string} Part */

const EVERY_MS = 2_000;
const SLOWEST_MS = 30_000;
const PATIENCE_MS = 8_000;
const RECORDS = "/admin/records";

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
  records: /** @type {Row[]|null} */ (null),
  detail: /** @type {Detail|null} */ (null),
  selected: "",
  text: "",
  outcome: "",
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
    ["Origin", span("mono", ledger.origin), ledger.origin],
    ["Root", span("mono", `${ledger.root.slice(0, 12)}…`), ledger.root],
    ["Payloads", ledger.payloads, ""],
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
  { head: "State", kind: "c-state", of: (m) => m.state, cell: (m) => [mark(STATES[m.state] ?? "quiet", m.state)] },
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

/** @param {Model[]} models */
function showModels(models) {
  const create = () => blankRow(MODEL_COLUMNS);
  keep(at("models"), models, (model) => model.name, create, (row, model) => fillRow(row, MODEL_COLUMNS, model));
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
  { head: "Client", kind: "c-client", of: (r) => r.client, cell: (r) => [clipped(r.client)] },
  { head: "Model: requested → resolved → served", kind: "c-models", of: modelsOf, cell: recordModels },
  { head: "Reason", kind: "c-reason", of: (r) => [r.reason, r.attempts], cell: recordReason },
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

/** @param {string|null} text @returns {Part} */
const clipped = (text) => textOr(text, "clip");

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
  if (row.resolved_model !== null) return span("resolved", row.resolved_model, row.resolved_model);
  return row.outcome === "refused" ? unknown("nothing sent") : missing(row);
}

/** @param {Row} row @returns {Part} */
function servedPart(row) {
  if (row.served_model === null) return row.outcome === "refused" ? unknown("none") : missing(row);
  if (differs(row)) return otherModel(row.served_model);
  if (row.resolved_model === null) return span("", row.served_model, row.served_model);
  return span("soft same", "same", row.served_model);
}

/** @param {string} served @param {string} [words] */
const otherModel = (served, words = "differs") =>
  el("span", { class: "other" }, span("differs", served), " ", tag(words, "warn"));

/** @param {Row} row @returns {Part[]} */
function recordReason(row) {
  const reason = row.reason ? el("code", {}, row.reason) : unknown();
  return [reason, ...(row.attempts > 1 ? [" ", tag(counted(row.attempts, "attempt"))] : [])];
}

/** @param {string} outcome @param {string|null|undefined} [error] */
function outcomeMark(outcome, error) {
  const [tone, meaning] = OUTCOMES[outcome] ?? ["quiet", ""];
  return mark(tone, words(outcome), error ?? meaning);
}

/** @param {Row} row */
function matches(row) {
  const outcome = outcomeOf(row);
  if (page.outcome === "problems" ? !PROBLEMS.includes(outcome) : page.outcome && page.outcome !== outcome) return false;
  const fields = [row.record, row.task, row.dialect, row.client, row.session, row.requested_model, row.resolved_model];
  const more = [row.served_model, row.provider, row.route, row.reason, outcome, row.error, row.stream ? "stream" : ""];
  const text = [...fields, ...more].filter(Boolean).join("\n").toLowerCase();
  return page.text.split(/\s+/).every((word) => text.includes(word) || text.includes(word.replaceAll("-", "_")));
}

/** @param {Row[]} all */
function showRecords(all) {
  const shown = all.filter(matches);
  const body = at("rows");
  const fresh = body.childElementCount > 0;
  const focused = body.contains(document.activeElement);
  holdScroll(() =>
    keep(body, shown, (row) => row.record, () => blankRecord(fresh), (line, row) => fillRow(line, RECORD_COLUMNS, row)),
  );
  if (focused && !body.contains(document.activeElement)) {
    body.lastElementChild?.querySelector("button")?.focus({ preventScroll: true });
  }
  markSelected();
  at("records-table").hidden = shown.length === 0;
  paint(at("summary"), [summary(shown, all)], ([text]) => [text]);
  paint(at("empty"), [all.length === 0, shown.length === 0], () => emptyText(all, shown));
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

/** @param {Row[]} shown @param {Row[]} all */
function summary(shown, all) {
  if (all.length === 0) return "";
  const ended = shown.filter((row) => row.outcome !== null);
  const costs = ended.map((row) => row.cost_micro_usd).filter((cost) => cost !== null);
  const total = costs.reduce((sum, cost) => sum + cost, 0);
  const problems = shown.filter((row) => PROBLEMS.includes(outcomeOf(row))).length;
  const parts = [shown.length === all.length ? `latest ${all.length}` : `${shown.length} of the latest ${all.length}`];
  if (problems > 0) parts.push(counted(problems, "problem"));
  if (costs.length > 0) parts.push(`known cost ${dollars(total)}`);
  if (costs.length < ended.length) parts.push(`cost of ${ended.length - costs.length} unknown`);
  return parts.join(" · ");
}

/** @param {Row[]} all @param {Row[]} shown @returns {Part[]} */
function emptyText(all, shown) {
  if (shown.length > 0) return [];
  if (all.length > 0) return [el("p", {}, "None of the latest records matches the filter.")];
  const body = JSON.stringify({ model: "auto", prompt: "fn main() {\n    ", suffix: "\n}\n", max_tokens: 64 });
  const request = `curl -i ${location.origin}/v1/completions \\\n  -H 'content-type: application/json' \\\n  -d '${body}'`;
  return [
    el("p", {}, el("strong", {}, "No request has been answered yet.")),
    el("p", {}, "Send one, and its record appears here:"),
    copyable(request),
  ];
}

// ---- One record ------------------------------------------------------------------------------------------------

/** Opens a record beside the table. @param {string} id @param {boolean} [focus] */
function select(id, focus = true) {
  if (page.selected !== id) page.detail = null;
  page.selected = id;
  at("panel").hidden = false;
  markSelected();
  history.replaceState(null, "", `#record/${id}`);
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
  history.replaceState(null, "", location.pathname);
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
    const text = `The record could not be read. ${troubleText(error)}`;
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
  return [
    pairs([
      ["Record", textOr(detail.record, "mono")],
      ...(outcome ? [outcomePair(outcome)] : []),
      ["Started", textOr(detail.started, "mono")],
      ["Ended", detail.ended ? textOr(detail.ended, "mono") : unknown("not yet")],
      ["Requested", textOr(detail.requested_model)],
      ["Resolved", textOr(detail.resolved_model)],
      ["Served", differs(detail) ? otherModel(detail.served_model ?? "", "differs from resolved") : textOr(detail.served_model)],
      ["Provider", textOr(detail.provider)],
    ]),
    ...(error ? [el("p", { class: "trouble" }, error)] : []),
    copyable(`waymark why ${detail.record}`),
    ...section("Decision", decisionParts(detail.decision)),
    ...section("Attempts", [attemptList(detail.attempts)]),
    ...section("Tokens and cost", [usagePairs(detail)]),
    ...section("Asked by", [askedBy(detail, row)]),
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
      ["Route", decision.route ? textOr(decision.route) : unknown("none")],
      ["Policy", textOr(decision.policy)],
      ["Snapshot", textOr(decision.snapshot, "mono")],
      ["On the way", decision.reasons.length > 0 ? reasons : unknown("none")],
    ]),
  ];
}

/** @param {Attempt[]} attempts */
function attemptList(attempts) {
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

/** @param {Detail} detail @param {Row|undefined} row */
function askedBy(detail, row) {
  return pairs([
    ["Client", textOr(detail.client)],
    ["Principal", textOr(detail.principal)],
    ["Session", textOr(detail.session, "mono")],
    .../** @type {[string, Part][]} */ (row ? [["Dialect", `${row.dialect}${row.stream ? ", streamed" : ""}`]] : []),
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
  if (!proof) return [el("p", { class: "note" }, "No proof yet: the record is not under a checkpoint.")];
  return [
    pairs([
      ["Inclusion", proof.verified ? mark("ok", "verified") : mark("bad", "not verified")],
      ["Leaf", `index ${whole.format(proof.leaf_index)} in a tree of ${whole.format(proof.tree_size)}`],
      ["Origin", textOr(proof.origin, "mono")],
      ["Root", textOr(proof.root, "mono")],
    ]),
  ];
}

// ---- Reading the server ----------------------------------------------------------------------------------------

/** @param {string} path @returns {Promise<unknown>} */
async function read(path) {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const response = await fetch(path, { headers: { accept: "application/json" }, cache: "no-store", signal });
  if (!response.ok) throw new Refusal(`${path.split("?")[0]} answered ${response.status}`);
  return response.json();
}

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
class Refusal extends Error {}

/** @param {unknown} error */
const troubleText = (error) =>
  error instanceof Refusal ? `Waymark is in trouble (${error.message}), retrying.` : "Waymark is not answering, retrying.";

/** Reads both endpoints once; each keeps its last data when it fails. */
async function refresh() {
  if (page.reading) return;
  page.reading = true;
  clearTimeout(page.timer);
  const answers = await Promise.allSettled([readInto("/admin/status", takeStatus), readInto(`${RECORDS}?limit=50`, takeRecords)]);
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
}

/** @param {unknown} answer */
function takeRecords(answer) {
  page.records = /** @type {{records: Row[]}} */ (answer).records;
  showRecords(page.records);
  if (page.detail) showDetail(page.detail);
  if (page.selected && !(page.detail?.ended && page.detail.proof)) void readDetail(page.selected);
}

// ---- The reader's hands ----------------------------------------------------------------------------------------

function filterChanged() {
  page.text = /** @type {HTMLInputElement} */ (at("filter")).value.trim().toLowerCase();
  page.outcome = /** @type {HTMLSelectElement} */ (at("outcome")).value;
  if (!page.records) return;
  showRecords(page.records);
  say(`${counted(at("rows").childElementCount, "record")} shown`);
}

/** @param {MouseEvent} event */
function rowClicked(event) {
  const row = event.target instanceof Element ? event.target.closest("tr") : null;
  const selecting = getSelection()?.type === "Range";
  if (row?.dataset.key && !selecting) select(row.dataset.key);
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
    at("filter").focus();
  }
}

function openFromAddress() {
  const id = /^#record\/([0-9a-f-]+)$/.exec(location.hash)?.[1];
  if (id && id !== page.selected) select(id, false);
}

function start() {
  showHead("models-head", MODEL_COLUMNS);
  showHead("records-head", RECORD_COLUMNS);
  const options = [["", "All outcomes"], ["problems", "Problems"], ...Object.keys(OUTCOMES).map((code) => [code, words(code)])];
  at("outcome").append(...options.map(([value, text]) => el("option", { value }, text)));
  at("filter").addEventListener("input", filterChanged);
  at("outcome").addEventListener("change", filterChanged);
  at("rows").addEventListener("click", rowClicked);
  at("rows").addEventListener("keydown", rowKey);
  at("panel-close").addEventListener("click", deselect);
  document.addEventListener("keydown", pageKey);
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(page.timer) : void refresh()));
  addEventListener("online", () => void refresh());
  addEventListener("hashchange", openFromAddress);
  openFromAddress();
  filterChanged();
  void refresh();
}

start();
