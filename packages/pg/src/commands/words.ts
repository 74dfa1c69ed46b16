/** A list of words, written as text. */
export const words = (list: string): readonly string[] => list.trim().split(/\s+/)
