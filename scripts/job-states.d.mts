/** The page docs/job-states.md as the table of moves says it. */
export declare function renderJobStates(): string;
