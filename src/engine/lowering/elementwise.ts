/** @file Elementwise operators. */
import type { Node } from '../../graph/operator.ts'
import { sameShape, sizeOf, type Tensor } from '../../graph/tensor.ts'
import { floatBits } from '../bits.ts'
import { call } from '../kernel.ts'
import { binary, clip, dropoutMask, unary, where } from '../kernels/elementwise.ts'
import { BINARY, UNARY } from '../kernels/functions.ts'
import { broadcastLoops, byFours } from '../layout.ts'
import type { Lowering } from '../lowering.ts'

const unaryLowering = (op: number): Lowering => ({
  emit: ({ inputs: [x], outputs: [y] }, at) => [call(unary, { op, n: sizeOf(x.shape), x: at(x), y: at(y) })],
  inPlace: () => [0],
})

const binaryLowering = (op: number): Lowering => ({
  emit: ({ inputs: [x, y], outputs: [out] }, at) =>
    byFours(broadcastLoops(out, [x, y])).map(({ dims: d, strides: [sx, sy], starts, done }) =>
      call(binary, {
        op,
        d0: d[0],
        d1: d[1],
        d2: d[2],
        d3: d[3],
        x: at(x) + starts[0],
        sx0: sx[0],
        sx1: sx[1],
        sx2: sx[2],
        sx3: sx[3],
        y: at(y) + starts[1],
        sy0: sy[0],
        sy1: sy[1],
        sy2: sy[2],
        sy3: sy[3],
        out: at(out) + done,
      }),
    ),
  inPlace: ({ inputs, outputs: [out] }: Node) => [0, 1].filter((i) => sameLayout(inputs[i], out)),
})

const whereLowering: Lowering = {
  emit: ({ inputs, outputs: [out] }, at) => {
    const [c, x, y] = inputs.map(at)
    return byFours(broadcastLoops(out, inputs)).map(({ dims: d, strides: [sc, sx, sy], starts, done }) =>
      call(where, {
        d0: d[0],
        d1: d[1],
        d2: d[2],
        d3: d[3],
        c: c + starts[0],
        sc0: sc[0],
        sc1: sc[1],
        sc2: sc[2],
        sc3: sc[3],
        x: x + starts[1],
        sx0: sx[0],
        sx1: sx[1],
        sx2: sx[2],
        sx3: sx[3],
        y: y + starts[2],
        sy0: sy[0],
        sy1: sy[1],
        sy2: sy[2],
        sy3: sy[3],
        out: at(out) + done,
      }),
    )
  },
  inPlace: ({ inputs, outputs: [out] }: Node) => [0, 1, 2].filter((i) => sameLayout(inputs[i], out)),
}

const sameLayout = (a: Tensor, b: Tensor) => sameShape(a.shape, b.shape) && a.batched === b.batched

const clipLowering: Lowering = {
  emit: ({ inputs: [x, low, high], outputs: [y] }, at) => [
    call(clip, { gradient: 0, n: sizeOf(x.shape), x: at(x), limited: at(x), low: at(low), high: at(high), y: at(y) }),
  ],
  inPlace: () => [0],
}

const clipGradLowering: Lowering = {
  emit: ({ inputs: [dy, x, low, high], outputs: [dx] }, at) => [
    call(clip, { gradient: 1, n: sizeOf(x.shape), x: at(dy), limited: at(x), low: at(low), high: at(high), y: at(dx) }),
  ],
  inPlace: ({ inputs, outputs: [dx] }) => [0].filter((i) => sameLayout(inputs[i], dx)),
}

const dropoutMaskLowering: Lowering = {
  emit: ({ inputs: [counter], outputs: [mask], attributes }, at) => {
    const p = attributes.ratio as number
    const keep = floatBits(1 / (1 - p))
    const [n, threshold] = [sizeOf(mask.shape), Math.round(p * 2 ** 31)]
    return [
      call(dropoutMask, {
        n,
        stream: attributes.stream as number,
        threshold,
        keep,
        counter: at(counter),
        mask: at(mask),
      }),
    ]
  },
}

export const elementwise: Record<string, Lowering> = {
  Where: whereLowering,
  Clip: clipLowering,
  ClipGrad: clipGradLowering,
  DropoutMask: dropoutMaskLowering,
  ...Object.fromEntries(Object.entries(UNARY).map(([name, op]) => [name, unaryLowering(op)])),
  ...Object.fromEntries(Object.entries(BINARY).map(([name, op]) => [name, binaryLowering(op)])),
}
