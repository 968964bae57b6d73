/**
 * @file Memory for linear algebra: an arena of a machine, handed out piece by piece, with float64 matrices
 * and float32 operands in it.
 */
import type { Instruction } from '../engine/kernel.ts'
import type { Arena, Machine } from '../engine/machine.ts'
import { Program } from '../engine/program.ts'

/** A float64 matrix in a workspace: element (i, j) is double `offset / 2 + i row + j`. */
export interface Matrix {
  readonly rows: number
  readonly cols: number
  /** In floats, even. */
  readonly offset: number
  /** Doubles between rows. */
  readonly row: number
}

export class Workspace {
  readonly arena: Arena
  readonly #size: number
  #used = 0

  /** Room for `floats` floats (a double takes two), fixed from then on. */
  constructor(machine: Machine, floats: number) {
    this.#size = floats + 16
    this.arena = machine.allocate(this.#size)
  }

  /** Gives back what `use` takes, when it returns. */
  scoped<T>(use: () => T): T {
    const used = this.#used
    try {
      return use()
    } finally {
      this.#used = used
    }
  }

  /** Offset of `count` floats; zeros unless the room was used before. Throws where the room is used up. */
  take(count: number): number {
    const offset = this.#used
    const after = offset + count + (count & 1)
    if (after > this.#size) throw new Error(`a workspace of ${this.#size} floats has no room for ${after}`)
    this.#used = after
    return offset
  }

  /** A float64 matrix; zeros unless the room was used before. */
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

/** Part of a matrix: rows [i, i + rows), columns [j, j + cols). */
export function part(m: Matrix, i: number, j: number, rows: number, cols: number): Matrix {
  if (i < 0 || j < 0 || i + rows > m.rows || j + cols > m.cols) throw new Error('a part must lie inside of its matrix')
  return { rows, cols, offset: m.offset + 2 * (i * m.row + j), row: m.row }
}
