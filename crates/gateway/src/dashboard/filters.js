// @ts-check
// Which records are asked for: kept in the address, so that a view can be shared and survives a reload.

/** @typedef {Record<string, string>} Filters What narrows, by name; `last` is a span up to now. */

/** What narrows by a value, and what it is called. @type {Record<string, string>} */
export const FIELDS = {
  outcome: "Outcome",
  model: "Model",
  route: "Route",
  repository: "Repository",
  client: "Client",
  session: "Session",
  principal: "Principal",
};

/** Spans of time up to now, in milliseconds. @type {Record<string, [string, number]>} */
export const SPANS = {
  hour: ["last hour", 3_600_000],
  day: ["last day", 86_400_000],
  week: ["last week", 604_800_000],
};

const NAMES = [...Object.keys(FIELDS), "last", "since", "until"];

/** Reads an address's part after `#`. @param {string} hash @returns {{record: string, filters: Filters}} */
export function readAddress(hash) {
  const [place, query = ""] = hash.replace(/^#/, "").split("?");
  const record = /^record\/([0-9a-f-]+)$/.exec(place)?.[1] ?? "";
  /** @type {Filters} */
  const filters = {};
  for (const [name, value] of new URLSearchParams(query)) {
    if (NAMES.includes(name) && value && isFit(name, value)) filters[name] = value;
  }
  if (filters.last) filters.since = filters.until = "";
  return { record, filters: tidy(filters) };
}

/** @param {string} name @param {string} value */
function isFit(name, value) {
  if (name === "last") return Object.hasOwn(SPANS, value);
  if (name === "since" || name === "until") return !Number.isNaN(Date.parse(value));
  return true;
}

/** Writes what `readAddress` reads. @param {string} record @param {Filters} filters */
export function writeAddress(record, filters) {
  const query = new URLSearchParams(tidy(filters)).toString();
  if (!record && !query) return location.pathname;
  return `#${record ? `record/${record}` : "records"}${query ? `?${query}` : ""}`;
}

/** Without what is empty, in one order, so that the same filters read the same. @param {Filters} filters @returns {Filters} */
export function tidy(filters) {
  return Object.fromEntries(NAMES.filter((name) => filters[name]).map((name) => [name, filters[name]]));
}

/** What the admin API is asked. @param {Filters} filters @param {Record<string, string>} [more] */
export function question(filters, more = {}) {
  const { last, ...rest } = filters;
  /** @type {Record<string, string>} */
  const asked = { ...rest };
  if (last) asked.since = new Date(Date.now() - SPANS[last][1]).toISOString();
  for (const name of ["since", "until"]) if (asked[name]) asked[name] = new Date(asked[name]).toISOString();
  // Of two bounds the later one is the narrower.
  if (asked.since && more.since && asked.since > more.since) return { ...more, ...asked };
  return { ...asked, ...more };
}

/** When a record was asked for, by its id (a UUIDv7), in milliseconds. @param {string} record */
export const timeOf = (record) => Number.parseInt(record.replaceAll("-", "").slice(0, 12), 16);
