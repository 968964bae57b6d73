// Tables and lists that the benchmarks share.
import { cpus } from 'node:os'
import { markdownTable } from 'markdown-table'
import { median, threadsText } from './contender.mjs'

/** Where a report was measured. */
export const machineText = () => `${cpus().length} x ${cpus()[0].model.trim()}, Node ${process.version}`

/** How many times the rate of `b` the rate of `a` is: the median over rounds. */
export const ratio = (a, b) => median(a.values.map((ms, round) => b.values[round] / ms))

export const percent = (share, digits = 0) => `${(100 * share).toFixed(digits)} %`
export const milliseconds = (ms) => ms.toFixed(ms < 10 ? 3 : 1)

/**
 * One row per contender; the ratio is taken round by round against the fastest of those whose names begin
 * with `rival`. A contender with `floor` does less than the others: it has neither rate nor ratio.
 */
export function stepTable(contenders, times, { flops, rival, unit = 'step' }) {
  const rivals = times.filter((_, i) => contenders[i].name.startsWith(rival) && !contenders[i].floor)
  const [best] = rivals.sort((a, b) => a.median - b.median)
  const rows = contenders.map(({ name, floor }, i) => {
    const { median: ms, least, most } = times[i]
    const range = `${milliseconds(least)} to ${milliseconds(most)}`
    const rate = floor ? '' : (flops / ms / 1e6).toFixed(0)
    return [name, milliseconds(ms), range, rate, best && !floor ? ratio(times[i], best).toFixed(2) : '']
  })
  const head = ['', `ms per ${unit} (median)`, 'range', 'GFLOP/s', `${unit} rate / best ${rival}`]
  return markdownTable([head, ...rows], { align: ['l', 'r', 'r', 'r', 'r'] })
}

/**
 * A list of ratios of rates between two contenders; those that were skipped are left out.
 * @param {[label: string, key: string, over: string][]} pairs
 */
export function ratioList(contenders, times, pairs) {
  const of = (key) => times[contenders.findIndex((contender) => contender.key === key)]
  return pairs
    .filter(([, key, over]) => of(key) && of(over))
    .map(([label, key, over]) => `- ${label}: ${ratio(of(key), of(over)).toFixed(2)}`)
    .join('\n')
}

/**
 * One row per kernel, after the peak that all are measured beside.
 * @param {{ name: string, threads: number, rate: number, peak: number, share: number }[]} rates
 */
export function rateTable(rates) {
  const counts = [...new Set(rates.map(({ threads }) => threads))]
  const perCount = (name, cells) => [name, ...counts.flatMap((count) => cells(count))]
  const of = (count, name) => rates.find((rate) => rate.threads === count && (!name || rate.name === name))
  const rows = [...new Set(rates.map(({ name }) => name))].map((name) =>
    perCount(name, (count) => [of(count, name).rate.toFixed(0), percent(of(count, name).share)]),
  )
  const head = perCount('GFLOP/s', (count) => [threadsText(count), 'of peak'])
  const peak = perCount('peak', (count) => [of(count).peak.toFixed(0), ''])
  return markdownTable([head, peak, ...rows], { align: ['l', ...counts.flatMap(() => ['r', 'r'])] })
}

/** The kernels that take longest, with the number of their calls. */
export function longest(calls) {
  const sums = new Map()
  for (const { kernel, milliseconds: ms } of calls) {
    const { count, total } = sums.get(kernel) ?? { count: 0, total: 0 }
    sums.set(kernel, { count: count + 1, total: total + ms })
  }
  return [...sums]
    .sort(([, a], [, b]) => b.total - a.total)
    .slice(0, 3)
    .map(([kernel, { count, total }]) => `${count} ${kernel} ${total.toFixed(2)}`)
    .join(', ')
}
