/** @file MatMulNBits: a product with a matrix whose numbers have few bits, in blocks with a scale each. */
import type { Operation } from '../../operation.ts'
import { type Scope, type Translator, Unsupported } from '../../scope.ts'
import { Known, type Value } from '../../value.ts'
import { products } from '../products.ts'

/** Fields of `bits` bits in bytes, the lowest first. */
const field = (bytes: ArrayLike<number>, at: number, bits: number): number => {
  const perByte = 8 / bits
  return (bytes[Math.floor(at / perByte)] >> (bits * (at % perByte))) & (2 ** bits - 1)
}

export const nBits: Record<string, Translator> = {
  MatMulNBits: (operation, [a, b, scales, zeros, order, bias], scope) => {
    operation.ignore('accuracy_level')
    operation.ignore('weight_prepacked')
    const weight = matrix(operation, { b, scales, zeros, order }, scope)
    return products.MatMul(operation, [a, weight.transposed(), bias], scope)
  },
}

interface Packed {
  b: Value | undefined
  scales: Value | undefined
  zeros: Value | undefined
  order: Value | undefined
}

/** [N, K], scale (code - zero point); without zero points zero is in the middle. */
function matrix(operation: Operation, { b, scales, zeros, order }: Packed, scope: Scope): Known {
  const [k, n] = [operation.integer('K', 0), operation.integer('N', 0)]
  const [bits, block] = [operation.integer('bits', 4), operation.integer('block_size', 0)]
  if (order !== undefined) throw new Unsupported(`${operation.label}: an order of groups is not supported`)
  if (![2, 4, 8].includes(bits))
    throw new Unsupported(`${operation.label}: ${bits} bits are not supported, expected 2, 4 or 8`)
  const [codes, steps] = [scope.known(b, operation, 'matrix'), scope.known(scales, operation, 'scales')]
  const points = zeros && scope.known(zeros, operation, 'zero points')
  const blocks = Math.ceil(k / block)
  const expected = (n * blocks * block * bits) / 8
  if (!(block >= 16) || codes.size !== expected || steps.size !== n * blocks)
    throw new Unsupported(
      `${operation.label}: expected ${expected} bytes and ${n * blocks} scales for [${n}, ${k}] in blocks of ${block}, found ${codes.size} and ${steps.size}`,
    )
  const perRow = Math.ceil((blocks * bits) / 8)
  const zeroOf = (row: number, at: number): number => {
    if (points === undefined) return 2 ** (bits - 1)
    if (points.type !== 'U8') return points.values[row * blocks + at]
    return field(Array.prototype.slice.call(points.values, row * perRow, (row + 1) * perRow), at, bits)
  }
  return new Known([n, k], () => {
    const values = new Float32Array(n * k)
    const [bytes, factors] = [codes.values, steps.values]
    for (let row = 0; row < n; row++)
      for (let at = 0; at < blocks; at++) {
        const [scale, zero] = [factors[row * blocks + at], zeroOf(row, at)]
        for (let i = at * block; i < Math.min(k, (at + 1) * block); i++)
          values[row * k + i] = scale * (field(bytes, row * blocks * block + i, bits) - zero)
      }
    return values
  })
}
