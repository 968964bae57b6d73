// What gradients by sample cost: the sums of their squares over a batch, for all weights of ResNet-20, beside
// an ordinary backward pass.
import { markdownTable } from 'markdown-table'
import { SoftmaxCrossEntropyLoss } from '../dist/graph/operators/loss.js'
import { perSampleSquares } from '../dist/graph/per-sample.js'
import { compile, differentiate, Graph, prunableParameters, reduceSum } from '../dist/graph.js'
import { openMachine } from '../dist/index.js'
import { median, takeTurns, threadsText, timedSync } from './contender.mjs'
import { inferenceCase } from './inference-case.mjs'
import { milliseconds } from './report.mjs'
import { BATCH, MODEL } from './resnet20.mjs'

const programs = ['forward', 'gradients', 'squares']

export async function perSampleCost() {
  const { model, weights, data, images } = inferenceCase(MODEL, BATCH)
  const graphs = graphsOf(model)
  const rows = []
  for (const threads of [1, 2]) {
    const executable = compile(await openMachine({ engine: 'native', threads }), graphs)
    for (const [name, values] of weights) executable.view(name).set(values)
    for (const program of programs) {
      executable.write(program, 'images', images)
      executable.write(program, 'labels', data.test.labels)
    }
    const contenders = programs.map((program) => ({
      name: program,
      run: (steps) => timedSync(steps, () => executable.run(program)),
    }))
    const times = await takeTurns(contenders, { rounds: 5, seconds: 1 })
    const [forward, gradients, squares] = times.map(({ values }) => values)
    const whole = median(squares.map((ms, i) => ms / gradients[i]))
    const backward = median(squares.map((ms, i) => (ms - forward[i]) / (gradients[i] - forward[i])))
    rows.push([
      threadsText(threads),
      ...times.map((time) => milliseconds(time.median)),
      whole.toFixed(2),
      backward.toFixed(2),
    ])
  }
  return `## Squares of gradients by sample

The sum over the batch of the square of each sample's gradient, for all weights of convolutions and the classifier (\`perSampleSquares\`), beside the ordinary
gradient of the summed loss for the same weights. Both passes begin with the forward pass on the same images, batch normalization with given statistics.

${markdownTable([['', 'forward, ms', '+ gradients, ms', '+ squares, ms', 'ratio', 'ratio without forward'], ...rows], {
  align: ['l', 'r', 'r', 'r', 'r', 'r'],
})}`
}

/** The three programs, by name. */
function graphsOf(model) {
  const forward = new Graph()
  const images = forward.input('images', [BATCH, ...model.image])
  const labels = forward.input('labels', [BATCH])
  const losses = forward.apply(SoftmaxCrossEntropyLoss, [model.build(forward, images, false), labels])[0]
  const wanted = prunableParameters(forward)
  const summed = forward.clone()
  const ordinary = differentiate(summed, reduceSum(summed, losses, [0], 0), wanted)
  const squared = perSampleSquares(forward, losses, wanted)
  forward.output('losses', losses)
  for (const [i, { name }] of wanted.entries()) {
    ordinary.graph.output(name, ordinary.gradients[i])
    squared.graph.output(name, squared.results[i])
  }
  return { forward, gradients: ordinary.graph, squares: squared.graph }
}
