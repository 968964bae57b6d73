/** @file Values as the studio writes them; what is not known is a dash. */

export const DASH = '–'

export const share = (value: number | undefined | null, places = 2): string =>
  value === undefined || value === null ? DASH : `${(100 * value).toFixed(places)} %`

export const number = (value: number | undefined | null, digits = 4): string =>
  value === undefined || value === null ? DASH : value.toPrecision(digits)

/** How long ago, or how long still, in the largest unit that fits. */
export function span(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60 ? `${seconds % 60} s` : ''}`.trim()
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
  return `${Math.floor(seconds / 86_400)} d`
}

/** A time of today by the clock, of another day by the date. */
export function moment(time: number): string {
  const [date, today] = [new Date(time), new Date()]
  return date.toDateString() === today.toDateString()
    ? date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })
    : date.toLocaleDateString('en-CA')
}
