/** @file Numbers as people read them. */

/** A share as a percentage of two decimals: `percent(0.9)` is `90.00 %`. */
export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`

/** A number with commas between its thousands. */
export const grouped = (n: number): string => n.toLocaleString('en-US')

/** A number of bytes in the unit, a power of 1000, that leaves it between 1 and 1000. */
export function bytes(n: number): string {
  if (n < 1000) return `${n} B`
  if (n < 1e6) return `${(n / 1e3).toFixed(1)} kB`
  return n < 1e9 ? `${(n / 1e6).toFixed(2)} MB` : `${(n / 1e9).toFixed(2)} GB`
}

/** Seconds as a clock shows them: `45 s` below a minute, then `1:05` or `2:03:04`. */
export function clock(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?'
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const two = (n: number) => String(n).padStart(2, '0')
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}
