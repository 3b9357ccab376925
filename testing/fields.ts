/** Which fields an answer has, whatever is in them: paths with `[]` for any element; of events each type by itself. */
export function fieldsOf(value: unknown, leaveOut: readonly string[] = []): readonly string[] {
  const found = new Set<string>()
  const look = (one: unknown, path: string): void => {
    if (Array.isArray(one)) {
      if (one.length === 0) found.add(`${path}: empty`)
      for (const element of one as readonly unknown[]) look(element, `${path}[]`)
    } else if (typeof one === 'object' && one !== null) {
      const { type } = one as { readonly type?: unknown }
      const at = typeof type === 'string' ? `${path}(${type})` : path
      const entries = Object.entries(one)
      if (entries.length === 0) found.add(`${at}: nothing`)
      for (const [key, inside] of entries)
        if (leaveOut.includes(key)) found.add(`${at}.${key}: …`)
        else look(inside, `${at}.${key}`)
    } else found.add(`${path}: ${one === null ? 'null' : typeof one}`)
  }
  look(value, '')
  return [...found].sort()
}
