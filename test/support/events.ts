/** Server-sent events of a response. */

/** The events of a stream, one by one. */
export async function* eventsOf(response: Response): AsyncGenerator<[name: string, data: unknown]> {
  let text = '';
  if (response.body === null) return;
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const [, name = '', data = ''] = /^event: (.*)\ndata: (.*)/.exec(text.slice(0, end)) ?? [];
      text = text.slice(end + 2);
      yield [name, JSON.parse(data)];
    }
  }
}
