// Fuses multiplications and additions of vectors in LLVM's text form of a kernel: clang, up to version 19 at
// least, chooses WebAssembly's relaxed multiply-add only where it is called by name.

const VECTOR = '<4 x float>'
/** A value by name, or the elements of a constant. */
const OPERAND = '(%[\\w.]+|<[^>]+>|zeroinitializer)'
const ARITHMETIC = new RegExp(`^ {2}(%\\S+) = f(mul|add|sub) contract ${VECTOR} ${OPERAND}, ${OPERAND}`)

/** `a + b c` as madd(b, c, a), `a - b c` as nmadd(b, c, a). */
export function fused(ir) {
  const products = new Map()
  const used = new Set()
  const call = (name, operation, b, c, a) => {
    used.add(operation)
    return `  ${name} = call ${VECTOR} @llvm.wasm.relaxed.${operation}.v4f32(${[b, c, a].map((x) => `${VECTOR} ${x}`).join(', ')})`
  }
  const lines = ir.split('\n').map((line) => {
    // Names are those of one function.
    if (line.startsWith('define ')) products.clear()
    const [, name, operator, x, y] = ARITHMETIC.exec(line) ?? []
    if (operator === 'mul') products.set(name, [x, y])
    if (operator === 'add' && products.has(y)) return call(name, 'madd', ...products.get(y), x)
    if (operator === 'add' && products.has(x)) return call(name, 'madd', ...products.get(x), y)
    if (operator === 'sub' && products.has(y)) return call(name, 'nmadd', ...products.get(y), x)
    return line
  })
  const declared = [...used].map(
    (operation) => `declare ${VECTOR} @llvm.wasm.relaxed.${operation}.v4f32(${VECTOR}, ${VECTOR}, ${VECTOR})`,
  )
  return [...lines, ...declared, ''].join('\n')
}
