// validatorUrl: without null a document from elsewhere than localhost would be sent to validator.swagger.io
SwaggerUIBundle({ url: "/openapi.json", dom_id: "#api", validatorUrl: null, deepLinking: true });
