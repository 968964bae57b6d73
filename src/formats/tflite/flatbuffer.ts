/**
 * @file FlatBuffers from descriptions of their tables: rows of plain values become tables, innermost first.
 * Fields that a row leaves out are not written, and so have the default of their schema.
 */
import { Builder } from 'flatbuffers'

/** Kinds of fields and what a row holds for them; names say the width of elements in bits. */
interface Values {
  int8: number
  int32: number
  float32: number
  bool: boolean
  string: string
  int32s: ArrayLike<number>
  int64s: ArrayLike<number>
  float32s: ArrayLike<number>
  /** Elements of 16 bits, aligned to 4 bytes. */
  uint16s: ArrayLike<number>
  /** Bytes, aligned to 16 bytes. */
  bytes: Uint8Array
  /** A table of one of several kinds; the field before it says which. */
  union: Union
}

export type Kind = keyof Values | Table | readonly [Table]

/** The fields of a table in the order of their slots. */
export interface Table {
  readonly [field: string]: Kind
}

type Value<K> = K extends keyof Values
  ? Values[K]
  : K extends readonly [infer T extends Table]
    ? readonly Row<T>[]
    : K extends Table
      ? Row<K>
      : never

/** What is written of a table. */
export type Row<T extends Table> = { readonly [F in keyof T]?: Value<T[F]> }

export interface Union {
  table: Table
  row: Readonly<Record<string, unknown>>
}

/**
 * A buffer whose root is a row of a table; `identifier` has four characters. `size` is about how many bytes
 * it will take.
 */
export function flatBuffer<T extends Table>(table: T, row: Row<T>, identifier: string, size: number): Uint8Array {
  const builder = new Builder(size)
  builder.finish(writeTable(builder, table, row), identifier)
  return builder.asUint8Array()
}

function writeTable(builder: Builder, table: Table, row: Readonly<Record<string, unknown>>): number {
  const fields = Object.entries(table).map(([name, kind], slot) => ({ slot, kind, value: row[name] }))
  const given = fields.filter(({ value }) => value !== undefined)
  // What lies behind an offset is written before the table that has it.
  const written = given.map(({ slot, kind, value }) => ({ slot, kind, value, offset: behind(builder, kind, value) }))
  builder.startObject(fields.length)
  for (const { slot, kind, value, offset } of written) {
    if (offset !== undefined) builder.addFieldOffset(slot, offset, 0)
    else if (kind === 'int8') builder.addFieldInt8(slot, value as number, null)
    else if (kind === 'bool') builder.addFieldInt8(slot, Number(value), null)
    else if (kind === 'int32') builder.addFieldInt32(slot, value as number, null)
    else builder.addFieldFloat32(slot, value as number, null)
  }
  return builder.endObject()
}

/** The offset of what a field refers to; undefined where the table itself holds the value. */
function behind(builder: Builder, kind: Kind, value: unknown): number | undefined {
  if (typeof kind !== 'string') {
    if (!isList(kind)) return writeTable(builder, kind, value as Row<Table>)
    const offsets = (value as readonly Row<Table>[]).map((row) => writeTable(builder, kind[0], row))
    return vector(builder, 4, offsets, (offset) => builder.addOffset(offset))
  }
  if (kind === 'string') return builder.createString(value as string)
  if (kind === 'union') return writeTable(builder, (value as Union).table, (value as Union).row)
  if (kind === 'bytes') return alignedBytes(builder, value as Uint8Array)
  const numbers = value as ArrayLike<number>
  if (kind === 'int32s') return vector(builder, 4, numbers, (n) => builder.addInt32(n))
  if (kind === 'float32s') return vector(builder, 4, numbers, (n) => builder.addFloat32(n))
  if (kind === 'int64s') return vector(builder, 8, numbers, (n) => builder.addInt64(BigInt(n)))
  if (kind === 'uint16s') return vector(builder, 2, numbers, (n) => builder.addInt16(n), 4)
  return undefined
}

const isList = (kind: Table | readonly [Table]): kind is readonly [Table] => Array.isArray(kind)

/** Elements are written from the last one on. */
function vector(
  builder: Builder,
  width: number,
  list: ArrayLike<number>,
  add: (element: number) => void,
  alignment = width,
): number {
  builder.startVector(width, list.length, alignment)
  for (let i = list.length - 1; i >= 0; i--) add(list[i])
  return builder.endVector()
}

function alignedBytes(builder: Builder, bytes: Uint8Array): number {
  builder.prep(16, bytes.length)
  return builder.createByteVector(bytes)
}
