// Tables that the benchmarks share.
import { markdownTable } from 'markdown-table'
import { median } from './contender.mjs'

/** One row per contender; the ratio is taken round by round against the fastest PyTorch. Inference-only rows have none. */
export function stepTable(contenders, times, flops) {
  const pytorch = contenders.map((_, i) => i).filter((i) => contenders[i].name.startsWith('PyTorch'))
  const [best] = pytorch.sort((a, b) => times[a].median - times[b].median)
  const rows = contenders.map(({ name }, i) => {
    const { median: ms, least, most, values } = times[i]
    const inference = name.includes('inference')
    const ratio =
      best === undefined || inference ? '' : median(values.map((v, round) => times[best].values[round] / v)).toFixed(2)
    const digits = ms < 10 ? 3 : 1
    const range = `${least.toFixed(digits)} to ${most.toFixed(digits)}`
    return [name, ms.toFixed(digits), range, inference ? '' : (flops / ms / 1e6).toFixed(0), ratio]
  })
  const head = ['', 'ms per step (median)', 'range', 'GFLOP/s', 'step rate / best PyTorch']
  return markdownTable([head, ...rows], { align: ['l', 'r', 'r', 'r', 'r'] })
}

export function rateTable(rates) {
  const rows = rates.map(({ threads, name, rate, peak, share }) => [
    ...[`${threads}`, name, rate.toFixed(0), peak.toFixed(0), `${(100 * share).toFixed(0)} %`],
  ])
  return markdownTable([['threads', 'kernel', 'GFLOP/s', 'peak', 'share of peak'], ...rows], {
    align: ['r', 'l', 'r', 'r', 'r'],
  })
}
