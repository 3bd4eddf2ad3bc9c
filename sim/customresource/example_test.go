package customresource_test

import (
	"fmt"
	"log"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/customresource"
)

const databases = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: databases.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: databases, singular: database, kind: Database, listKind: DatabaseList, shortNames: [db]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}
    additionalPrinterColumns:
    - {name: Replicas, type: integer, jsonPath: .spec.replicas}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              replicas: {type: integer, minimum: 0, default: 3}
              version: {type: string, enum: ["16", "17"]}
            x-kubernetes-validations:
            - rule: self.replicas % 2 == 1
              message: want an odd number of replicas
          status:
            type: object
            properties:
              replicas: {type: integer}
`

// A definition has its kind served: what is applied gets the defaults of its schema,
// and is held to its rules.
func Example() {
	c := sim.New(sim.Config{CustomResources: customresource.New()})
	if _, err := c.Apply(databases); err != nil {
		log.Fatal(err)
	}
	if _, err := c.Apply("apiVersion: example.com/v1\nkind: Database\nmetadata: {name: users}\nspec: {version: \"17\"}"); err != nil {
		log.Fatal(err)
	}
	db, err := c.GetCustom(schema.GroupKind{Group: "example.com", Kind: "Database"}, "", "users")
	fmt.Println(db.(interface{ UnstructuredContent() map[string]any }).UnstructuredContent()["spec"], err)
	_, err = c.Apply("apiVersion: example.com/v1\nkind: Database\nmetadata: {name: users}\nspec: {version: \"17\", replicas: 2}")
	fmt.Println(err)
	// Output:
	// map[replicas:3 version:17] <nil>
	// document 1: Database "users": Database.example.com "users" is invalid: spec: Invalid value: want an odd number of replicas
}
