/**
 * @file What WebGPU knows of a kernel: WGSL for each of its passes, and how many workgroups a call needs. The
 * code sees the arena as words of 32 bits, through `word` and `set_word`, or `at` and `put` as floats;
 * p.NAME is an argument of the call, and u.NAME the same in `main`, where the same value in all invocations
 * is asked for. Nothing here relies on fused multiply-adds, on what compilers make of comparisons with NaN,
 * or on small numbers that a device may flush to zero.
 */
import { UserError } from '../../util/errors.ts'
import type { Kernel } from '../kernel.ts'

export type Args<P extends string> = Readonly<Record<P, number>>

/**
 * WGSL: where element i of the dimensions p.{dims}0..3 is in an operand with the strides p.{strides}0..3.
 */
export function strided(dims: string, strides: string): string {
  const [size, step] = [dims, strides].map((stem) => [0, 1, 2, 3].map((axis) => `p.${stem}${axis}`))
  return [
    `i / (${size[1]} * ${size[2]} * ${size[3]}) * ${step[0]}`,
    `i / (${size[2]} * ${size[3]}) % ${size[1]} * ${step[1]}`,
    `i / ${size[3]} % ${size[2]} * ${step[2]}`,
    `i % ${size[3]} * ${step[3]}`,
  ].join(' + ')
}

/** One dispatch of a call. */
export interface Pass<P extends string = string> {
  /** WGSL: the whole of a module but what {@link moduleOf} adds. Its entry is `main`. */
  readonly code: string
  /** Further numbers that the code reads as p.NAME, whole ones from 0 on. */
  readonly more: (args: Args<P>) => Record<string, number>
  /** Workgroups of a call; of none, the pass is left out. */
  readonly groups: (args: Args<P>) => number
  /**
   * Whether it only finishes what lies in the scratch: it may wait until its results are asked for, and be
   * one dispatch with others of its kind.
   */
  readonly later?: boolean
}

export interface Shader<P extends string = string> {
  readonly kernel: Kernel<P>
  /** Of the arguments that are offsets, those that the kernel writes to. */
  readonly writes: readonly P[]
  readonly passes: readonly Pass<P>[]
  /** Words that the passes of one call share beside the arena, from scratch[p.base] on. Default: none. */
  readonly scratch?: (args: Args<P>) => number
  /** Whether it takes these arguments. Default: any. What it does not take runs on the processor. */
  readonly takes?: (args: Args<P>) => boolean
  /** Whether several calls that do not depend on one another may be one dispatch, of the most workgroups. */
  readonly merges?: boolean
}

/** Invocations of a workgroup, wherever nothing else is said. */
export const LANES = 256

/** Numbers the workgroups of a dispatch, which has two dimensions since one ends at 65,535. */
const ENTRY = 'fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) grid: vec3u,'

interface Each<P extends string> {
  kernel: Kernel<P>
  writes: readonly P[]
  /** Elements of the result. */
  count: (args: Args<P>) => number
  /** What is done for element `i`. */
  code: string
  /** Functions that the code calls. */
  functions?: string
  more?: (args: Args<P>) => Record<string, number>
  takes?: (args: Args<P>) => boolean
  merges?: boolean
}

/** A kernel whose elements are computed one by one. */
export function each<P extends string>(given: Each<P>): Shader<P> {
  const { kernel, writes, count, code, functions = '', more, takes, merges } = given
  return {
    kernel,
    writes,
    takes,
    merges,
    passes: [
      {
        more: (args) => ({ elements: count(args), ...more?.(args) }),
        groups: (args) => Math.ceil(count(args) / LANES),
        code: `${functions}
@compute @workgroup_size(${LANES}) ${ENTRY} @builtin(local_invocation_index) lane: u32) {
  call = wid.z;
  let i = (wid.y * grid.x + wid.x) * ${LANES}u + lane;
  if (i < p.elements) { ${code} }
}`,
      },
    ],
  }
}

interface Together<P extends string> {
  /** Items that a workgroup computes together, one each. */
  items: (args: Args<P>) => number
  /** What is done for `item` by the invocation `lane`. All lanes pass the same barriers. */
  code: string
  functions?: string
  more?: (args: Args<P>) => Record<string, number>
  lanes?: number
}

/** A pass in which a workgroup computes one item. */
export function together<P extends string>(given: Together<P>): Pass<P> {
  const { items, code, functions = '', more, lanes = LANES } = given
  return {
    more: (args) => ({ items: items(args), ...more?.(args) }),
    groups: items,
    code: `${functions}
@compute @workgroup_size(${lanes}) ${ENTRY} @builtin(local_invocation_index) lane: u32) {
  call = wid.z;
  let item = wid.y * grid.x + wid.x;
  if (item >= u.items) { return; }
  ${code}
}`,
  }
}

/**
 * Sums over the lanes of a workgroup: `total(lane, value)` is the same in all of them, whatever runs the
 * lanes in which order.
 */
export const totalOver = (lanes: number): string => `
var<workgroup> sums: array<f32, ${lanes}>;
fn total(lane: u32, value: f32) -> f32 {
  sums[lane] = value;
  workgroupBarrier();
  for (var width = ${lanes / 2}u; width > 0u; width /= 2u) {
    if (lane < width) { sums[lane] += sums[lane + width]; }
    workgroupBarrier();
  }
  let all = workgroupUniformLoad(&sums[0]);
  return all;
}`
export const TOTAL = totalOver(LANES)

/**
 * The arena, in one binding or, where it is larger than a device binds, in several of 2^shift words each; it
 * has `word` and `set_word`.
 */
function memoryOf({ parts, shift }: Memory): string {
  const names = Array.from({ length: parts }, (_, k) => `memory${k}`)
  const bindings = names.map((name, k) => `@group(0) @binding(${2 + k}) var<storage, read_write> ${name}: array<u32>;`)
  const chosen = (use: (name: string) => string) =>
    parts === 1
      ? use('memory0')
      : `switch (i >> ${shift}u) {\n${names.map((name, k) => `    ${k < parts - 1 ? `case ${k}u` : 'default'}: { ${use(name)} }`).join('\n')}\n  }`
  const at = parts === 1 ? 'i' : `i & ${2 ** shift - 1}u`
  return `${bindings.join('\n')}
fn word(i: u32) -> u32 { ${chosen((name) => `return ${name}[${at}];`)} }
fn set_word(i: u32, bits: u32) { ${chosen((name) => `${name}[${at}] = bits;`)} }
`
}

/** Into how many bindings an arena is cut, and of how many words each but the last is, as a power of two. */
export interface Memory {
  parts: number
  shift: number
}

/** Floats behind an arena, which take what is written beyond its end. */
export const PADDING = 64

/** Throws UserError where an adapter takes no arena of so many floats. */
export function checkRoom(floats: number, mostBytes: number): void {
  const bytes = 4 * (floats + PADDING)
  if (bytes > mostBytes)
    throw new UserError(
      `the programs need ${bytes / 1e9} GB, and this adapter takes at most ${mostBytes / 1e9} GB: expected smaller batches`,
    )
}

/** How an arena is bound where one binding takes so many bytes. */
export function memoryFor(floats: number, bindingBytes: number): Memory {
  const words = floats + PADDING
  const shift = Math.floor(Math.log2(bindingBytes / 4))
  return { parts: 4 * words <= bindingBytes ? 1 : Math.ceil(words / 2 ** shift), shift }
}

/** Words of each of its bindings. */
export function partsOf(floats: number, { parts, shift }: Memory): number[] {
  const whole = Array.from({ length: parts - 1 }, () => 2 ** shift)
  return [...whole, floats + PADDING - (parts - 1) * 2 ** shift]
}

const PRELUDE = `
@group(0) @binding(0) var<storage, read> calls: array<Call>;
@group(0) @binding(1) var<storage, read_write> scratch: array<u32>;
var<private> call: u32;
fn at(i: u32) -> f32 { return bitcast<f32>(word(i)); }
fn put(i: u32, value: f32) { set_word(i, bitcast<u32>(value)); }
fn float(bits: u32) -> f32 { return bitcast<f32>(bits); }
fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }
/* Numbers in their order, the smallest too, which a device may take for zeros; the two zeros are one. */
fn order(x: f32) -> i32 {
  let bits = bitcast<i32>(x);
  if (bits < 0) { return -(bits & 0x7fffffff); }
  return bits;
}
/* NaN stays, and below 0 becomes +0. */
fn relu(x: f32) -> f32 { if (is_nan(x) || order(x) > 0) { return x; } return 0.0; }
fn rectified(x: f32, kind: u32) -> f32 {
  if (kind == 0u) { return x; }
  let y = relu(x);
  if (kind == 2u && y > 6.0) { return 6.0; }
  return y;
}
`

/** The module of a pass: names of arguments become fields of a struct that lists them in their order. */
export function moduleOf<P extends string>(
  shader: Shader<P>,
  pass: Pass<P>,
  more: readonly string[],
  memory: Memory,
): string {
  const fields = [...shader.kernel.parameters, ...more, ...(shader.scratch ? ['base'] : [])].map(
    (name) => `  a_${name}: u32,`,
  )
  const list = shader.kernel.list ? `  list: array<u32, ${LIST}>,\n` : ''
  const struct = `struct Call {\n${fields.join('\n')}\n${list}}\n`
  const code = pass.code
    .replace(/\bp\.list\b/g, 'calls[call].list')
    .replace(/\bp\.(\w+)/g, 'calls[call].a_$1')
    .replace(/\bu\.(\w+)/g, 'calls[wid.z].a_$1')
  return struct + memoryOf(memory) + PRELUDE + code
}

/** Words of the longest list of further arguments. */
export const LIST = 1024
