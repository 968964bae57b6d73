/**
 * @file The machine of a WebGPU device that another thread has, which this one waits for, so that nothing
 * above the engine has to be asynchronous. Arenas are mirrored in the memory of a processor's machine: what
 * is asked for is fetched, what was given out to be written is sent before the next run, and kernels that
 * WebGPU lacks run there, on what they touch.
 */
import { UserError } from '../../util/errors.ts'
import type { Machine } from '../machine.ts'
import type { Program } from '../program.ts'
import { Encoder } from './encode.ts'
import { MirroredArena, type Remote } from './mirrored-arena.ts'
import { memoryFor, partsOf } from './shader.ts'
import { ANSWERED, CLOSED, DONE, PLACES, PROBLEM } from './shared.js'
import { type Stretch, stretches } from './stretches.ts'

/** Messages that may be on their way. */
const MOST_AHEAD = 64
/** Milliseconds for a device to end its work in, which the library does not survive in the middle of. */
const PATIENCE = 30_000
/** Milliseconds after which a thread counts as gone that answers nothing, and those between questions. */
const SILENCE = 60_000
const BETWEEN = 1000

const ENDED = 'the thread of the device ended, or does not answer any more'

/** What two threads share. */
export interface Shared {
  control: Int32Array
  /** UTF-8. */
  problem: Uint8Array
}

export const sharedMemory = (): Shared => ({
  control: new Int32Array(new SharedArrayBuffer(4 * PLACES)),
  problem: new Uint8Array(new SharedArrayBuffer(4096)),
})

/** What the thread says when its device is open, or why it is not. */
export type Opened = Facts | { refused: string }

interface Facts {
  adapter: string
  /** Of one binding, and of an arena, which takes several where it is larger. */
  bindingBytes: number
  mostBytes: number
}

/**
 * The machine, and what ends the thread's work for good. Throws UserError where there is no device. A thread
 * that says nothing for `silence` milliseconds counts as gone.
 */
export function remoteMachine(
  post: (message: object) => void,
  { control, problem }: Shared,
  opened: Opened,
  processor: Machine,
  silence = SILENCE,
): { machine: Machine; close(): void } {
  if ('refused' in opened) throw new UserError(`WebGPU: ${opened.refused}`)
  let sent = 0
  /** Questions whether the thread is there, which it answers at once, whatever its device does. */
  let asked = 0
  /** Waits until no more than so many messages are on their way. Throws what went wrong. */
  const wait = (most: number) => {
    const between = Math.min(BETWEEN, silence / 4)
    let silent = 0
    for (let done = Atomics.load(control, DONE); ((sent - done) | 0) > most; done = Atomics.load(control, DONE)) {
      if (Atomics.load(control, CLOSED) === 1) throw new UserError(`WebGPU: ${ENDED}`)
      if (Atomics.wait(control, DONE, done, between) !== 'timed-out') continue
      // By turns rather than by the clock: while a process is stopped, both are.
      silent = Atomics.load(control, ANSWERED) === asked ? 0 : silent + between
      if (silent >= silence) Atomics.store(control, CLOSED, 1)
      else if (silent === 0) {
        post({ ask: true })
        asked = (asked + 1) | 0
      }
    }
    // A problem is told once: some, such as too large an arena, do not keep others from running.
    const length = Atomics.exchange(control, PROBLEM, 0)
    if (length > 0) throw new UserError(`WebGPU: ${new TextDecoder().decode(problem.slice(0, length))}`)
  }
  const send = (message: object) => {
    wait(MOST_AHEAD)
    post(message)
    sent = (sent + 1) | 0
  }
  /** While garbage is collected: nobody could take an error then. */
  const sendUnasked = (message: object) => {
    post(message)
    sent = (sent + 1) | 0
  }

  const remote: Remote = {
    mostBytes: opened.mostBytes,
    allocate(id, floats) {
      const memory = memoryFor(floats, opened.bindingBytes)
      send({ allocate: { id, parts: partsOf(floats, memory), shift: memory.shift } })
      wait(0)
    },
    drop: (id) => sendUnasked({ drop: id }),
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
  /** Programs that ran once, as selections do, give their memory back. */
  const garbage = new FinalizationRegistry<number>((id) => sendUnasked({ forget: id }))
  const known = new WeakMap<Program, { parts: number; made: Stretch[] }>()
  let programs = 0
  const prepare = (program: Program, floats: number): Stretch[] => {
    const memory = memoryFor(floats, opened.bindingBytes)
    const found = known.get(program)
    if (found?.parts === memory.parts) return found.made
    const made = stretches(program, (instructions) => {
      send({ prepare: { id: ++programs, encoded: encoder.encode(instructions, memory) } })
      garbage.register(program, programs)
      return programs
    })
    known.set(program, { parts: memory.parts, made })
    return made
  }

  const machine: Machine = {
    engine: 'webgpu',
    instructionSet: 'webgpu',
    threads: 1,
    anySize: true,
    mostBytes: opened.mostBytes,
    description: `webgpu (${opened.adapter})`,
    allocate: (size) => new MirroredArena(processor.allocate(size), remote, prepare),
    runApart(runs) {
      for (const { arena, program } of runs) arena.run(program)
    },
  }
  const close = () => {
    if (Atomics.load(control, CLOSED) === 1) return
    post({ close: true })
    Atomics.wait(control, CLOSED, 0, PATIENCE)
  }
  return { machine, close }
}
