// The OpenAPI document as a page. The validator would send it elsewhere.
SwaggerUIBundle({
  url: "schema/openapi.json",
  dom_id: "#documentation",
  deepLinking: true,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
});
