/**
 * @file The WebGPU machine in Node. Its device lives in a thread of its own, which the calling one waits for,
 * so that nothing above the engine has to be asynchronous. Arenas are mirrored in the memory of a processor's
 * machine: what is asked for is fetched, what was given out to be written is sent before the next run, and
 * kernels that WebGPU lacks run there, on what they touch.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { UserError } from '../../util/errors.ts'
import { isAbsent, needed } from '../../util/optional.ts'
import type { Machine } from '../machine.ts'
import type { Program } from '../program.ts'
import { Encoder } from '../webgpu/encode.ts'
import { MirroredArena, type Remote } from '../webgpu/mirrored-arena.ts'
import { type Stretch, stretches } from '../webgpu/stretches.ts'

/** What the thread writes to: how many messages are done, the length of what went wrong, and that it ended. */
const DONE = 0
const PROBLEM = 1
const CLOSED = 2
/** Milliseconds for a device to end its work in. */
const PATIENCE = 5000
/** Messages that may be on their way. */
const MOST_AHEAD = 64

/**
 * A machine on the first adapter, with `processor` for what it lacks. Throws UserError where the package
 * webgpu is not installed or there is no adapter.
 */
export async function openWebGpu(processor: Machine): Promise<Machine> {
  const control = new Int32Array(new SharedArrayBuffer(12))
  const problem = new Uint8Array(new SharedArrayBuffer(4096))
  const worker = new Worker(new URL('webgpu-worker.js', import.meta.url), { workerData: { control, problem } })
  const facts = await started(worker)
  worker.unref()
  process.once('exit', () => {
    worker.postMessage({ close: true })
    Atomics.wait(control, CLOSED, 0, PATIENCE)
  })
  let sent = 0

  /** Waits until no more than so many messages are on their way. Throws what went wrong. */
  const wait = (most: number) => {
    for (let done = Atomics.load(control, DONE); ((sent - done) | 0) > most; done = Atomics.load(control, DONE))
      Atomics.wait(control, DONE, done)
    const length = Atomics.load(control, PROBLEM)
    if (length > 0) throw new UserError(`WebGPU: ${new TextDecoder().decode(problem.slice(0, length))}`)
  }
  const send = (message: object) => {
    wait(MOST_AHEAD)
    worker.postMessage(message)
    sent = (sent + 1) | 0
  }

  const remote: Remote = {
    mostBytes: facts.mostBytes,
    allocate: (id, floats) => send({ allocate: { id, floats } }),
    drop: (id) => send({ drop: id }),
    write: (id, offset, words) => send({ write: { id, offset, words } }),
    run: (arena, program) => send({ run: { arena, program } }),
    read(id, extents) {
      const size = extents.reduce((sum, { length }) => sum + length, 0)
      const into = new Uint32Array(new SharedArrayBuffer(4 * size))
      send({ read: { id, extents, into } })
      wait(0)
      return into
    },
  }

  const encoder = new Encoder()
  const known = new WeakMap<Program, Stretch[]>()
  let programs = 0
  const prepare = (program: Program): Stretch[] => {
    const found = known.get(program)
    if (found) return found
    const made = stretches(program, (instructions) => {
      send({ prepare: { id: ++programs, encoded: encoder.encode(instructions) } })
      return programs
    })
    known.set(program, made)
    return made
  }

  return {
    engine: 'webgpu',
    instructionSet: 'webgpu',
    threads: 1,
    anySize: true,
    mostBytes: facts.mostBytes,
    description: `webgpu (${facts.adapter})`,
    allocate: (size) => new MirroredArena(processor.allocate(size), remote, prepare),
    runApart(runs) {
      for (const { arena, program } of runs) arena.run(program)
    },
  }
}

interface Facts {
  adapter: string
  mostBytes: number
}

async function started(worker: Worker): Promise<Facts> {
  try {
    const [said] = (await once(worker, 'message')) as [Facts | { refused: string }]
    if ('refused' in said) throw new UserError(`WebGPU: ${said.refused}`)
    return said
  } catch (error) {
    if (error instanceof UserError) void worker.terminate()
    if (isAbsent(['webgpu'], error as Error)) throw needed(['webgpu'], 'the WebGPU engine', error as Error)
    throw error
  }
}
