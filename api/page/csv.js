// The gaps as CSV, for a spreadsheet. Cells that it would run as formulas are defused; numbers stay numbers.

const cell = (value) => {
  let text = String(value ?? "");
  if (/^[=+\-@\t\r]/.test(text) && !/^-?\d+(\.\d+)?$/.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

const COLUMNS = [
  ["client", (gap) => gap.client],
  ["product", (gap) => gap.product],
  ["direction", (gap) => gap.direction],
  ["kind", (gap) => gap.kind],
  ["seats", (gap) => gap.seats],
  ["seat_months", (gap) => gap.seat_months],
  ["amount", (gap) => (gap.unpriced ? "" : gap.amount?.amount)],
  ["currency", (gap) => gap.amount?.currency],
  ["monthly_forward", (gap) => gap.monthly_forward?.amount],
  ["time_barred", (gap) => gap.time_barred.amount],
  ["amount_after_adjustments", (gap) => gap.amount_after_adjustments?.amount],
  ["lines", (gap) => gap.sources.map((source) => `${source.file}: ${source.lines.join(" ")}`).join("; ")],
];

/** One row for each gap. */
export function gapsCsv(gaps) {
  const rows = gaps.map((gap) => COLUMNS.map(([, value]) => cell(value(gap))).join(","));
  return `${[COLUMNS.map(([name]) => name).join(","), ...rows].join("\r\n")}\r\n`;
}

/** Copies text, also where the page is not in a secure context. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "offscreen";
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }
}

/** Saves text as a file. */
export function save(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
