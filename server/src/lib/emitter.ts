/** Calls every listener, in the order of subscription. */
export class Emitter<Event> {
  readonly #listeners = new Set<(event: Event) => void>();

  /** Adds a listener; returns what takes it away again. */
  subscribe(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Calls every listener with the event. */
  emit(event: Event): void {
    for (const listener of this.#listeners) listener(event);
  }
}
