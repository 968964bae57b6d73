// Whether `auto` picks the right kernels: dense and sparse ones of every layer of some networks, beside what
// the table of costs of this machine's instruction set chooses. It is an error where the choice is more than
// a tenth and two microseconds slower than the other.
import { writeFileSync } from 'node:fs'
import { markdownTable } from 'markdown-table'
import { layerText } from '../dist/calibrate/layers.js'
import { measureLayer } from '../dist/calibrate/measure.js'
import { sparseGain } from '../dist/engine/cost.js'
import { costsOf } from '../dist/engine/costs/index.js'
import { fitsSparse, layerSizes } from '../dist/engine/lowering/sparse.js'
import { prunableParameters } from '../dist/graph/graph.js'
import { canBeSparse } from '../dist/graph/sparsify.js'
import { Graph } from '../dist/graph.js'
import { findModel, openMachine } from '../dist/index.js'
import { machineText, milliseconds, percent } from './report.mjs'

/** Networks, with the batch of a training step. */
const NETWORKS = [
  { name: 'lenet-300-100', batch: 128 },
  { name: 'lenet-5', batch: 128 },
  { name: 'resnet20', batch: 32 },
  { name: 'mobilenet-v1', batch: 16 },
  { name: 'resnet50', batch: 16 },
]
const DENSITIES = [0.5, 0.2, 0.1, 0.05]
/** How many times the time of the best kernels the chosen ones may take. */
const MOST = 1.1
/** Milliseconds that no network notices. */
const LEAST = 0.002
/** Milliseconds of each kind of kernels of a layer, and of those that seem to be wrong. */
const USUAL = 10
const AGAIN = 100

/** The layers that have sparse kernels, each shape once. */
function shapesOf(name) {
  const model = findModel(name)
  const graph = new Graph()
  graph.output('logits', model.build(graph, graph.input('images', [1, ...model.image]), false))
  const shapes = prunableParameters(graph)
    .filter((weight) => canBeSparse(graph, weight, fitsSparse))
    .map((weight) => layerSizes(graph.nodes.find(({ inputs }) => inputs[1] === weight)))
    .map(({ in: channels, out, h, kh, sy }) => ({ in: channels, out, size: h, kernel: kh, stride: sy }))
  return [...new Map(shapes.map((shape) => [layerText(shape), shape])).values()]
}

/** Every density with the gain that was measured and the gain that the table expects. */
function gainsOf(machine, shape, pass, batch, time) {
  const { cost, dense, sparse } = measureLayer(machine, shape, {
    pass,
    batch,
    densities: DENSITIES,
    milliseconds: time,
  })
  const gains = sparse.map(({ density, nanoseconds }) => ({
    density,
    measured: dense / nanoseconds,
    expected: sparseGain(cost, density, pass, costsOf(machine)),
    apart: Math.abs(dense - nanoseconds) / 1e6,
  }))
  return { dense, gains }
}

/** How many times the time of the best kernels the chosen ones take. */
const lossOf = ({ measured, expected }) => Math.max(1, expected > 1 ? 1 / measured : measured)
const isWrong = (gain) => lossOf(gain) > MOST && gain.apart > LEAST

export async function benchKernelChoice(out) {
  const machine = await openMachine({ threads: 1 })
  const rows = []
  const wrong = []
  for (const { name, batch: training } of NETWORKS)
    for (const shape of shapesOf(name))
      for (const [pass, batch] of [
        ['forward', 1],
        ['step', training],
      ]) {
        let found = gainsOf(machine, shape, pass, batch, USUAL)
        // Other work on the machine is no reason to fail.
        if (found.gains.some(isWrong)) found = gainsOf(machine, shape, pass, batch, AGAIN)
        const what = `${name}: ${layerText(shape)}, ${pass === 'step' ? 'step of ' : ''}batch ${batch}`
        for (const gain of found.gains.filter(isWrong))
          wrong.push(`${what}, ${percent(gain.density)} nonzeros: ${lossOf(gain).toFixed(2)} times the best`)
        const cells = found.gains.map(
          (gain) => `${gain.measured.toFixed(2)} (${gain.expected.toFixed(2)})${isWrong(gain) ? ' wrong' : ''}`,
        )
        rows.push([what, milliseconds(found.dense / 1e6), ...cells])
        console.error(rows.at(-1).join('  '))
      }
  const head = ['layer', 'dense, ms', ...DENSITIES.map((density) => percent(density))]
  const verdict =
    wrong.length === 0
      ? 'No choice is more than a tenth slower than the other.'
      : `Wrong choices:\n\n${wrong.map((line) => `- ${line}`).join('\n')}`
  const report = `# Which kernels \`auto\` picks

Measured with \`npm run bench kernel-choice\` on ${machineText()}, ${machine.description}, with the table of
costs ${costsOf(machine).name}. Forward passes of one image, and training steps (forward pass, both gradients,
the update of the weight), of single layers: how many times faster than on dense kernels they are on sparse
ones with so many of the weights left, and in parentheses what the table expects; \`auto\` takes the sparse
ones where that is above 1. A layer without zeros always takes the dense ones. Times are those of the
processor, the least of some calls. ${verdict}

${markdownTable([head, ...rows], { align: ['l', ...head.slice(1).map(() => 'r')] })}
`
  writeFileSync(out, report)
  console.log(report)
  if (wrong.length > 0) {
    console.error(`auto picks kernels that are more than ${MOST} times as slow as the best:\n${wrong.join('\n')}`)
    process.exit(1)
  }
}
