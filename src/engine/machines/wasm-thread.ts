/** @file One thread of a WebAssembly machine: what a worker does that wasm-threads.ts has started. */
import type { Layout, WasmExports } from './wasm-memory.ts'

/**
 * Of the array that all threads share: how many runs there were, and the arena and the code of the last one.
 */
export const PLACES = { run: 0, arena: 1, length: 2 } as const

/** What a thread is part of. */
export interface TeamFacts {
  module: WebAssembly.Module
  control: Int32Array
  /** Which one it is, from 1, of how many. */
  part: number
  parts: number
}

export type ThreadMessage =
  | { team: TeamFacts }
  | { arena: { id: number; memory: WebAssembly.Memory; layout: Layout } }
  | { drop: number }

/** Where messages come from, and where one goes when the thread is there. */
export interface ThreadPort {
  onMessage(listener: (message: ThreadMessage) => void): void
  postMessage(message: unknown): void
}

/** How often a thread looks before it sleeps. */
const SPINS = 5000

export function serveParts(port: ThreadPort): void {
  let team: TeamFacts | undefined
  let runs = 0
  const arenas = new Map<number, (length: number) => void>()
  port.onMessage((message) => {
    if ('team' in message) {
      team = message.team
      return port.postMessage('there')
    }
    if ('drop' in message) arenas.delete(message.drop)
    else arenas.set(message.arena.id, partOf(team!, message.arena))
    work(team!)
  })

  /** Takes part in every run, until there is one over an arena that a message still has to bring. */
  function work({ control }: TeamFacts): void {
    for (;;) {
      for (let i = 0; i < SPINS && Atomics.load(control, PLACES.run) === runs; i++);
      Atomics.wait(control, PLACES.run, runs)
      if (Atomics.load(control, PLACES.run) === runs) continue
      const run = arenas.get(Atomics.load(control, PLACES.arena))
      if (!run) return
      runs = (runs + 1) | 0
      run(Atomics.load(control, PLACES.length))
    }
  }
}

/** What computes this thread's part of the code that lies in a memory. */
function partOf(
  { module, part, parts }: TeamFacts,
  { memory, layout }: { memory: WebAssembly.Memory; layout: Layout },
): (length: number) => void {
  const exports = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as WasmExports
  exports.__stack_pointer!.value = layout.stacks[part - 1]
  return (length) => exports.run(layout.arena, layout.code, length, layout.scratches, part, parts)
}
