export declare function unqualifiedCalls(text: string): { name: string; line: number }[]
