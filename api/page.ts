import { html, raw } from 'hono/html';
import type { openApiDocument } from './openapi.ts';

/** The OpenAPI document for people: one plain page, without anything from elsewhere. */
export function page(document: ReturnType<typeof openApiDocument>) {
  const operations = Object.entries(document.paths).map(([path, { get }]) => {
    const rows = get.parameters.map(
      ({ name, in: place, description }) =>
        html`<tr>
          <td><code>${name}</code></td>
          <td>${place}</td>
          <td>${description}</td>
        </tr>`,
    );
    const answers = Object.entries(get.responses).map(
      ([status, { description }]) =>
        html`<tr>
          <td>${status}</td>
          <td colspan="2">${description}</td>
        </tr>`,
    );
    return html`<h2><code>GET ${path}</code></h2>
      <p>${get.description}</p>
      <table>
        ${rows}${answers}
      </table>`;
  });
  return html`<!doctype html>
    <html lang="en">
      <meta charset="utf-8" /><title>${document.info.title}</title>
      <style>
        ${raw(STYLE)}
      </style>
      <h1>${document.info.title} ${document.info.version}</h1>
      <p>${document.info.description} For programs: <a href="/v1/openapi.json">/v1/openapi.json</a>.</p>
      ${operations}
    </html>`;
}

const STYLE = `body { font: 16px/1.5 sans-serif; margin: 2em auto; max-width: 60em; padding: 0 1em }
table { border-collapse: collapse; width: 100% } td { border-top: 1px solid #ccc; padding: .3em .6em; vertical-align: top }`;
