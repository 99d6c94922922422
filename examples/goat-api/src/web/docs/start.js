// Swagger UI fails on a `multipleOf` that JavaScript writes with an exponent, such as the 1e-100 of a price.
const shown = (name, value) =>
  name === "multipleOf" && String(value).includes("e") ? undefined : value;

fetch("/openapi.json")
  .then((response) => response.text())
  .then((text) =>
    SwaggerUIBundle({
      spec: JSON.parse(text, shown),
      dom_id: "#api",
      deepLinking: true,
      tryItOutEnabled: true,
      displayRequestDuration: true,
      // By default, a validator on the internet is shown the document.
      validatorUrl: null,
    }),
  );
