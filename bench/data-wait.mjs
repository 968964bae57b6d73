// How long the engine waits for data while ResNet-20 trains with crops and flips: the kernels that read the
// batch, which are part of the step, and all that happens outside of the engine between two steps.
import { markdownTable } from 'markdown-table'
import { augmentations, synthetic } from '../dist/data.js'
import { findModel, Network, openMachine, train } from '../dist/index.js'
import { median, threadsText } from './contender.mjs'
import { milliseconds, percent } from './report.mjs'
import { BATCH, MODEL } from './resnet20.mjs'

const STEPS = 15
/** CIFAR's size, so that a batch's images come from memory and not from a cache. */
const IMAGES = 50_000

export async function dataWait() {
  const model = findModel(MODEL)
  const data = synthetic({ train: IMAGES, test: 1, image: model.image, classes: model.classes })
  const rows = []
  for (const threads of [1, 2]) {
    const machine = await openMachine({ engine: 'native', threads })
    const network = new Network({ machine, model, data, batch: BATCH, augment: augmentations.cifar })
    await trainFor(network, 2)
    const outside = await timeOutside(network)
    const load = loadTime(network)
    const loadShare = load.loading / load.step
    const waiting = 1 - (1 - outside.share) * (1 - loadShare)
    rows.push([
      threadsText(threads),
      milliseconds(load.step),
      milliseconds(load.loading),
      percent(loadShare, 1),
      milliseconds(outside.milliseconds),
      percent(outside.share, 1),
      percent(waiting, 1),
    ])
  }
  const head = ['', 'step, ms', 'reading the batch, ms', 'share', 'between steps, ms', 'share', 'waiting']
  return `## Time that the engine waits for data

Training with random crops and flips of ${IMAGES.toLocaleString('en')} images. Reading the batch is two kernels of the step, timed in ${STEPS} steps that were run instruction by instruction; between
steps the training loop draws samples, crops and flips and looks at the loss, timed around the engine in ${STEPS} steps of \`train\`.

${markdownTable([head, ...rows], { align: ['l', ...Array(6).fill('r')] })}`
}

async function trainFor(network, steps) {
  const enough = new AbortController()
  await train(network, {
    epochs: 1,
    optimizer: { momentum: 0.9, weightDecay: 1e-4 },
    schedule: { kind: 'constant', base: 0.01 },
    onStep: ({ step }) => step === steps && enough.abort(),
    signal: enough.signal,
  })
}

/** Time of a step that is not spent in the engine: milliseconds, and as a share of all. */
async function timeOutside(network) {
  const { executable } = network
  const run = executable.run.bind(executable)
  let inside = 0
  executable.run = (program) => {
    const start = performance.now()
    run(program)
    inside += performance.now() - start
  }
  const start = performance.now()
  await trainFor(network, STEPS)
  const all = performance.now() - start
  executable.run = run
  return { milliseconds: (all - inside) / STEPS, share: 1 - inside / all }
}

/** Milliseconds of a step and of its kernels that read the batch, run one by one in their order. */
function loadTime(network) {
  const sum = (profile) => profile.reduce((total, { milliseconds: ms }) => total + ms, 0)
  const steps = Array.from({ length: STEPS }, () => network.executable.profile(`train/${BATCH}`, 1))
  return {
    step: median(steps.map(sum)),
    loading: median(steps.map((profile) => sum(profile.filter(({ kernel }) => kernel.startsWith('load_'))))),
  }
}
