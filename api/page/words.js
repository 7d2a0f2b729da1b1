// How figures, months and names of the answer are written for people. Sums are exact: whole numbers of
// millionths, never floating point.

const LANGUAGE = "en-US";
const SCALE = 6;

/** A decimal text in millionths. */
export function exact(text) {
  const [whole, part = ""] = String(text ?? "0").replace("-", "").split(".");
  const units = BigInt(whole + part.padEnd(SCALE, "0").slice(0, SCALE));
  return String(text).startsWith("-") ? -units : units;
}

/** Millionths as a decimal text. */
export function decimal(units) {
  const sign = units < 0n ? "-" : "";
  const digits = String(units < 0n ? -units : units).padStart(SCALE + 1, "0");
  return `${sign}${digits.slice(0, -SCALE)}.${digits.slice(-SCALE)}`;
}

/** Only for lengths of bars: no figure that is read comes from it. */
export const length = (units) => Number(units) / 10 ** SCALE;

const formats = new Map();
function format(key, options) {
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(LANGUAGE, options));
  return formats.get(key);
}

/** Money: an amount as text or in millionths, and its currency. */
export function money(amount, currency) {
  const text = typeof amount === "bigint" ? decimal(amount) : amount;
  return format(currency, { style: "currency", currency, currencyDisplay: "narrowSymbol" }).format(text);
}

/** Money of the document, or a dash. */
export const moneyOf = (value) => (value ? money(value.amount, value.currency) : "–");

/** Seats and seat-months: as many decimals as there are. */
export function count(text, most = 2) {
  return format(`count${most}`, { maximumFractionDigits: most }).format(text);
}

/** `2026-02` as `Feb 2026`. */
export function month(text, style = "short") {
  const [year, number] = text.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1, 1)).toLocaleDateString(LANGUAGE, {
    month: style, year: style === "narrow" ? undefined : "numeric", timeZone: "UTC",
  });
}

export const shortMonth = (text) => {
  const [year, number] = text.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1, 1)).toLocaleDateString(LANGUAGE, { month: "short", timeZone: "UTC" });
};

/** `2026-02-14` as `Feb 14, 2026`. */
export function day(text) {
  const [year, number, of] = text.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1, of)).toLocaleDateString(LANGUAGE, {
    day: "numeric", month: "short", year: "numeric", timeZone: "UTC",
  });
}

/** All months from one to another. */
export function monthsBetween(from, to) {
  const [months, [endYear, endMonth]] = [[], to.split("-").map(Number)];
  let [year, number] = from.split("-").map(Number);
  while (year < endYear || (year === endYear && number <= endMonth)) {
    months.push(`${year}-${String(number).padStart(2, "0")}`);
    [year, number] = number === 12 ? [year + 1, 1] : [year, number + 1];
  }
  return months;
}

export const KINDS = {
  under_billed: "Billed too few",
  unbilled: "Not billed at all",
  over_billed: "Billed too many",
  billed_not_provisioned: "Billed, not provisioned",
};
export const kind = (name) => KINDS[name] ?? name.replaceAll("_", " ");

const SIDES = {
  entitlement: "what clients have",
  billing: "what clients are billed",
  cost: "what you are charged",
  activity: "who used what",
};
export const side = (name) => SIDES[name] ?? name;

const REASONS = {
  no_billing: ["No billing", "No file says what this client is billed."],
  no_entitlement: ["No vendor data", "No file says what this client has. Add the export of the vendor that sells it."],
  no_common_days: ["No common days", "Both sides are there, for different days."],
  unconfirmed_mapping: ["Waits for you", "A name looks the same as another and nobody has confirmed it yet."],
  incomplete_import: ["Incomplete", "Rows of this client could not be read, so a comparison would not be safe."],
  fractional_quantity: ["Not whole seats", "A quantity is not a whole number of seats."],
  basis_unknown: ["Seats unknown", "The file does not tell the kind of seats that is counted."],
  undated_snapshot: ["No date", "The snapshot does not say its day."],
  source_conflict: ["Other source", "Only a source that is not used for this client knows the product."],
};
export const reason = (name) => REASONS[name] ?? [name.replaceAll("_", " "), ""];

export const cycle = (name) => (name && name !== "monthly" ? `, ${name}` : "");

/** "1 gap", "2 gaps". */
export const many = (number, one, more = `${one}s`) => `${count(number)} ${Number(number) === 1 ? one : more}`;
