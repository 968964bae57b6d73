// A training step on WebGPU, beside the native engine and WebAssembly: milliseconds, dispatches, what the
// host does for it, and bytes that go to the device and come back. On a software adapter, whose times say
// nothing, only the smallest network is timed.
import { readFileSync, writeFileSync } from 'node:fs'
import { markdownTable } from 'markdown-table'
import { create, globals } from 'webgpu'
import { synthetic } from '../dist/data.js'
import { layOut } from '../dist/engine/lay-out.js'
import { Device } from '../dist/engine/machines/webgpu-device.js'
import { Encoder } from '../dist/engine/webgpu/encode.js'
import { MirroredArena } from '../dist/engine/webgpu/mirrored-arena.js'
import { memoryFor, partsOf } from '../dist/engine/webgpu/shader.js'
import { stretches } from '../dist/engine/webgpu/stretches.js'
import { findModel, Network, openMachine } from '../dist/index.js'
import { setHyper } from '../dist/optim/sgd.js'
import { programsOf, stepName } from '../dist/train/programs.js'
import { median } from './contender.mjs'
import { machineText } from './report.mjs'

const CASES = [
  ['lenet-300-100', 128],
  ['resnet20', 128],
  ['wrn-28', 128],
  ['resnet18', 128],
  ['resnet50', 32],
]
/** Of a network's steps on one engine. */
const SECONDS = process.env.BENCH_ROUNDS === '1' ? 0.5 : 4
/** Networks that WebAssembly takes many seconds a step for are not timed on it. */
const LARGE = ['resnet18', 'resnet50']
const OPTIMIZER = { momentum: 0.9, weightDecay: 1e-4 }

const gpu = create([])
// A global one is kept: the device is not safe without it.
Object.assign(globalThis, globals, { benchGpu: gpu })

/** A network on samples that need no more room than their count. */
function networkOn(machine, name, batch) {
  const model = findModel(name)
  const data = synthetic({ train: 2 * batch, test: 1, classes: Math.min(model.classes, 10), image: model.image })
  return new Network({ machine, model, data: { ...data, classes: model.classes }, batch })
}

/** Milliseconds of a step, the median; undefined where the machine does not take the network. */
function timed(machine, name, batch) {
  try {
    const network = networkOn(machine, name, batch)
    const samples = Uint32Array.from({ length: batch }, (_, i) => i)
    const step = () => {
      const start = performance.now()
      setHyper(network.executable, 0.01, OPTIMIZER)
      network.step(samples)
      return performance.now() - start
    }
    step()
    const times = []
    for (const end = performance.now() + 1000 * SECONDS; performance.now() < end || times.length < 2; )
      times.push(step())
    return median(times)
  } catch (error) {
    console.error(`${name} on ${machine.description}: ${error.message}`)
    return undefined
  }
}

/**
 * What crosses to a device in a step, and the time of the thread that sends it: of a device that does
 * nothing.
 */
async function traffic(name, batch) {
  const sent = { up: 0, down: 0 }
  const remote = {
    mostBytes: Number.POSITIVE_INFINITY,
    allocate() {},
    drop() {},
    write: (_id, _offset, words) => void (sent.up += 4 * words.length),
    run() {},
    read(_id, extents) {
      const length = extents.reduce((sum, extent) => sum + extent.length, 0)
      sent.down += 4 * length
      return new Uint32Array(length)
    },
  }
  const processor = await openMachine({ engine: 'native', threads: 1 })
  const prepared = new WeakMap()
  const prepare = (program) => {
    if (!prepared.has(program))
      prepared.set(
        program,
        stretches(program, () => 0),
      )
    return prepared.get(program)
  }
  const machine = {
    ...processor,
    anySize: true,
    allocate: (size) => new MirroredArena(processor.allocate(size), remote, prepare),
  }
  const network = networkOn(machine, name, batch)
  const samples = Uint32Array.from({ length: batch }, (_, i) => i)
  const step = () => {
    setHyper(network.executable, 0.01, OPTIMIZER)
    network.step(samples)
  }
  for (let i = 0; i < 3; i++) step()
  const before = { ...sent }
  const start = performance.now()
  for (let i = 0; i < 20; i++) step()
  const ms = (performance.now() - start) / 20
  return { up: (sent.up - before.up) / 20, down: (sent.down - before.down) / 20, ms }
}

/**
 * Dispatches of a step, and the time to encode and submit them, whatever the device then does: of one
 * sample.
 */
async function encoding(device, name, batch, isTimed) {
  const model = findModel(name)
  const instructionsOf = (size) => {
    const samples = { count: size, images: new Uint8Array(0), labels: new Uint8Array(size) }
    const half = Array.from({ length: model.image[0] }, () => 0.5)
    const data = {
      name,
      classes: model.classes,
      image: model.image,
      mean: half,
      std: half,
      train: samples,
      test: samples,
    }
    const { programs, memory } = layOut({ step: programsOf({ model, data, batch: size }, size).core[stepName(size)] })
    return { instructions: programs.get('step').instructions, floats: memory.persistent + memory.temporary }
  }
  const { bindingBytes } = device.facts
  const memory = memoryFor(0, bindingBytes)
  const { dispatches } = new Encoder().encode(instructionsOf(batch).instructions, memory)
  const small = instructionsOf(1)
  if (!isTimed || 4 * small.floats > bindingBytes) return { dispatches: dispatches.length }
  const id = CASES.findIndex(([known]) => known === name) + 1
  await device.allocate(id, partsOf(small.floats, memoryFor(small.floats, bindingBytes)), memory.shift)
  const encoded = encoder.encode(small.instructions, memoryFor(small.floats, bindingBytes))
  await device.prepare(id, encoded)
  const times = []
  for (let i = 0; i < 12; i++) {
    const start = performance.now()
    const run = device.run(id, id)
    times.push(((performance.now() - start) * dispatches.length) / encoded.dispatches.length)
    await run
    await device.read(id, [{ offset: 0, length: 1 }], new Uint32Array(1))
  }
  device.drop(id)
  device.check()
  return { dispatches: dispatches.length, ms: median(times.slice(2)) }
}
/** One for all, since it numbers the device's pipelines. */
const encoder = new Encoder()

const cell = (ms) => (ms === undefined ? '' : ms.toFixed(ms < 10 ? 2 : 1))

export async function benchWebgpu(out) {
  const device = await Device.open(gpu)
  const isSoftware = /swiftshader|llvmpipe|lavapipe|basic render/i.test(device.facts.adapter)
  const webgpu = await openMachine({ engine: 'webgpu', threads: 1 })
  const others = [await openMachine({ engine: 'native' }), await openMachine({ engine: 'wasm' })]
  const rows = []
  for (const [name, batch] of CASES) {
    const sent = await traffic(name, batch)
    // Even one sample of a large network takes a software adapter long.
    const encoded = await encoding(device, name, batch, !(isSoftware && LARGE.includes(name)))
    const times = [webgpu, ...others].map((machine) =>
      (machine.engine === 'wasm' && LARGE.includes(name)) || (isSoftware && machine === webgpu && name !== CASES[0][0])
        ? undefined
        : timed(machine, name, batch),
    )
    rows.push([
      name,
      `${batch}`,
      ...times.map(cell),
      `${encoded.dispatches ?? ''}`,
      encoded.ms === undefined ? '' : (sent.ms + encoded.ms).toFixed(2),
      `${sent.up}`,
      `${sent.down}`,
    ])
    console.error(rows.at(-1).join(' | '))
    // Row by row, so that a check that ends in the middle leaves what was measured.
    writeFileSync(out, reportOf(rows, { others, adapter: device.facts.adapter, isSoftware }))
  }
  console.log(readFileSync(out, 'utf8'))
  device.close()
}

function reportOf(rows, { others, adapter, isSoftware }) {
  const head = ['network', 'batch', 'ms on WebGPU', ...others.map(({ description }) => `ms on ${description}`)]
  const said = isSoftware
    ? `The adapter is software, so that its times say nothing of a graphics card: **nothing here was measured on
one**. What the host does does not depend on the card.`
    : 'Steps are timed whole, the loss read after each.'
  return `# A training step on WebGPU

Measured with \`npm run bench webgpu\` on ${machineText()}; adapter: ${adapter}.

${said}

*Host* is milliseconds of the thread that trains, to write a step's batch and to read its loss, and of the one
that encodes and submits the dispatches. *Up* and *down* are bytes that cross in a step.

${markdownTable([[...head, 'dispatches', 'host', 'up', 'down'], ...rows], { align: ['l', ...Array(8).fill('r')] })}
`
}
