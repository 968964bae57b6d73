/** @file Zeros put into stored tensors of any type; all other values keep their bits. */
import { BYTES_PER, type StoredTensor } from './safetensors-bytes.ts'

/**
 * The tensor with the number `zeros` (one for all, or each its own; of floats 0) where `removed` is not 0;
 * the tensor itself where that changes nothing. What is a zero already keeps its sign.
 */
export function withZeros(
  tensor: StoredTensor,
  removed: Uint8Array,
  zeros: number | ArrayLike<number> = 0,
): StoredTensor {
  const { dtype, data } = tensor
  const width = BYTES_PER[dtype]
  const zeroOf = typeof zeros === 'number' ? () => zeros : (i: number) => zeros[i]
  const whole = !['F64', 'F32', 'F16', 'BF16'].includes(dtype)
  let copy: Uint8Array | undefined
  for (let i = 0; i < removed.length; i++) {
    if (removed[i] === 0) continue
    const at = i * width
    const zero = whole ? zeroOf(i) : 0
    if (whole ? isWhole(data, at, width, zero) : isZero(data, at, width)) continue
    // Not slice(), which of a Buffer is a view.
    copy ??= new Uint8Array(data)
    // Little-endian; numbers below zero have ones in all further bytes.
    for (let k = 0; k < width; k++) copy[at + k] = k < 4 ? zero >> (8 * k) : zero < 0 ? 255 : 0
  }
  return copy ? { ...tensor, data: copy } : tensor
}

const isWhole = (data: Uint8Array, at: number, width: number, value: number) => {
  for (let k = 0; k < width; k++)
    if (data[at + k] !== ((k < 4 ? value >> (8 * k) : value < 0 ? 255 : 0) & 255)) return false
  return true
}

/** 0 or -0. */
const isZero = (data: Uint8Array, at: number, width: number) => {
  for (let k = 0; k < width - 1; k++) if (data[at + k] !== 0) return false
  return (data[at + width - 1] & 0x7f) === 0
}
