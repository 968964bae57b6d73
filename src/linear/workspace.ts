/**
 * @file Memory for linear algebra: an arena of a machine is handed out piece by piece and holds float64
 * matrices and float32 operands.
 */
import type { Instruction } from '../engine/kernel.ts'
import type { Arena, Machine } from '../engine/machine.ts'
import { Program } from '../engine/program.ts'

/** A float64 matrix in a workspace: element (i, j) is double `offset / 2 + i row + j`. */
export interface Matrix {
  readonly rows: number
  readonly cols: number
  /** The place in the arena in floats; even. */
  readonly offset: number
  /** The distance between rows in doubles. */
  readonly row: number
}

export class Workspace {
  readonly arena: Arena
  readonly #size: number
  #used = 0

  /** Takes room for `floats` floats (a double takes two), which is fixed from then on. */
  constructor(machine: Machine, floats: number) {
    this.#size = floats + 16
    this.arena = machine.allocate(this.#size)
  }

  /** Runs `use`, and gives back the room that it takes when it returns. */
  scoped<T>(use: () => T): T {
    const used = this.#used
    try {
      return use()
    } finally {
      this.#used = used
    }
  }

  /**
   * Takes `count` floats and returns their offset. They are zeros unless the room was used before. Throws
   * where the room is used up.
   */
  take(count: number): number {
    const offset = this.#used
    const after = offset + count + (count & 1)
    if (after > this.#size) throw new Error(`a workspace of ${this.#size} floats has no room for ${after}`)
    this.#used = after
    return offset
  }

  /** Takes room for a float64 matrix, which holds zeros unless the room was used before. */
  matrix(rows: number, cols: number): Matrix {
    return { rows, cols, offset: this.take(2 * rows * cols), row: cols }
  }

  /** A live view of `count` floats. */
  floats(offset: number, count: number): Float32Array {
    return this.arena.floats.subarray(offset, offset + count) as Float32Array
  }

  /** A live view of a matrix whose rows are adjacent. */
  values({ rows, cols, offset, row }: Matrix): Float64Array {
    if (row !== cols && rows > 1) throw new Error('the rows of this matrix are not adjacent')
    return this.arena.doubles.subarray(offset / 2, offset / 2 + rows * cols)
  }

  /** A live view of a row of a matrix. */
  row({ rows, cols, offset, row }: Matrix, i: number): Float64Array {
    if (!(i >= 0 && i < rows)) throw new Error(`a matrix of ${rows} rows has no row ${i}`)
    const first = offset / 2 + i * row
    return this.arena.doubles.subarray(first, first + cols)
  }

  run(instructions: readonly Instruction[]): void {
    this.arena.run(Program.assemble(instructions, this.#size))
  }
}

/** The part of a matrix with rows [i, i + rows) and columns [j, j + cols). Throws where it lies outside. */
export function part(m: Matrix, i: number, j: number, rows: number, cols: number): Matrix {
  if (i < 0 || j < 0 || i + rows > m.rows || j + cols > m.cols) throw new Error('a part must lie inside of its matrix')
  return { rows, cols, offset: m.offset + 2 * (i * m.row + j), row: m.row }
}
