/** @file Numbers as the pages write them. */

export const percent = (share: number, places = 1): string => `${(100 * share).toFixed(places)} %`
export const grouped = (n: number): string => n.toLocaleString('en-US')

export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  return bytes < 1e6 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(2)} MB`
}

export const milliseconds = (ms: number): string => `${ms.toFixed(ms < 0.1 ? 3 : ms < 10 ? 2 : 1)} ms`

export const threadsText = (threads: number): string => (threads === 1 ? 'one thread' : `${threads} threads`)

/** How much less, such as `4.2 times smaller`; a difference too small to tell is `the same`. */
export function times(before: number, after: number, less: string, more: string): string {
  const ratio = before / after
  if (!Number.isFinite(ratio) || Math.abs(Math.log(ratio)) < 0.02) return 'about the same'
  return ratio > 1 ? `${ratio.toFixed(ratio < 10 ? 2 : 1)} times ${less}` : `${(1 / ratio).toFixed(2)} times ${more}`
}

export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.max(1, Math.ceil(seconds))} s`
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
}
