/** @file Ctrl-C or SIGTERM ends a command after what is in progress; a second one ends the process at once. */
export function interruptible(first: () => void): { signal: AbortSignal; received: () => string | undefined } {
  const controller = new AbortController()
  let name: string | undefined
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (name) process.exit(signal === 'SIGINT' ? 130 : 143)
      name = signal
      first()
      controller.abort()
    })
  return { signal: controller.signal, received: () => name }
}
