/** @file Programs cut into what a device runs and what is left to the processor. */
import type { Extent, Instruction } from '../kernel.ts'
import { named } from '../kernel.ts'
import { Program } from '../program.ts'
import { isOnDevice } from './encode.ts'

/** Consecutive instructions: a program of the device by its number, or one of the processor. */
export type Stretch = { device: number } | { program: Program; touched: Extent[] }

/** `prepare` gives the device instructions, and returns their number. */
export function stretches(program: Program, prepare: (instructions: readonly Instruction[]) => number): Stretch[] {
  const runs: { onDevice: boolean; instructions: Instruction[] }[] = []
  for (const instruction of program.instructions) {
    const onDevice = isOnDevice(instruction)
    if (runs.at(-1)?.onDevice !== onDevice) runs.push({ onDevice, instructions: [] })
    runs.at(-1)!.instructions.push(instruction)
  }
  return runs.map(({ onDevice, instructions }) =>
    onDevice
      ? { device: prepare(instructions) }
      : {
          program: Program.assemble(instructions, program.arenaSize),
          touched: instructions.flatMap((one) => one.kernel.extents(named(one), one.args)),
        },
  )
}
