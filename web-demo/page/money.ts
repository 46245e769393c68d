/** Money for people: integer minor units to text in the reader's own format, and back. */

/** Digits after the decimal point that a currency is written with; 2 for a currency the browser does not know. */
export function minorDigits(currency: string): number {
  return format(currency)?.resolvedOptions().maximumFractionDigits ?? 2;
}

/** An amount in minor units as text, such as `€1,234.50`. */
export function moneyText(amountMinor: number, currency: string): string {
  const digits = minorDigits(currency);
  const amount = amountMinor / 10 ** digits;
  return format(currency)?.format(amount) ?? `${amount.toFixed(digits)} ${currency}`;
}

/** An amount in minor units as it is typed, such as `1234.50`. */
export function typedAmount(amountMinor: number, currency: string): string {
  const digits = minorDigits(currency);
  if (digits === 0) return String(amountMinor);
  const text = String(amountMinor).padStart(digits + 1, "0");
  return `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** What somebody typed as minor units; `NaN` when it is no amount of this currency. Reads digits, never fractions of a float. */
export function parsedAmountMinor(typed: string, currency: string): number {
  const digits = minorDigits(currency);
  const match = /^(\d+)(?:[.,](\d*))?$/.exec(typed.trim());
  const fraction = match?.[2] ?? "";
  if (match === null || fraction.length > digits) return Number.NaN;
  return Number(`${match[1]}${fraction.padEnd(digits, "0")}`);
}

function format(currency: string): Intl.NumberFormat | undefined {
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currency });
  } catch {
    return undefined;
  }
}
