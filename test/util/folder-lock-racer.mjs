/**
 * @file A process of the test of folder locks: from the moment that it is told it takes the locks of folders,
 * one after the other, and prints which it has.
 */
const [lock, pace, ...folders] = process.argv.slice(2)
const { FolderLock } = await import(lock)
const taken = []
process.stdout.write('ready\n')
const from = await new Promise((resolve) => process.stdin.once('data', resolve))
for (const [i, folder] of folders.entries()) {
  const at = Number(from) + i * Number(pace)
  while (Date.now() < at);
  try {
    new FolderLock(folder, 'run')
    taken.push(folder)
  } catch (error) {
    if (!/is in use by another run/.test(error.message)) throw error
  }
}
process.stdout.write(`${JSON.stringify(taken)}\n`)
// All live until all have tried.
await new Promise((resolve) => process.stdin.once('data', resolve))
process.exit(0)
