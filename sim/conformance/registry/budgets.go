package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"

	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	policyclient "k8s.io/client-go/kubernetes/typed/policy/v1"
)

// budgetClient is how the real server's evictions read and write budgets: as a
// client of itself.
type budgetClient struct {
	policyclient.PodDisruptionBudgetInterface // the others are not called
	u                                         *upstream
	namespace                                 string
}

func (c budgetClient) PodDisruptionBudgets(namespace string) policyclient.PodDisruptionBudgetInterface {
	return budgetClient{u: c.u, namespace: namespace}
}

func (c budgetClient) List(context.Context, metav1.ListOptions) (*policyv1.PodDisruptionBudgetList, error) {
	list := &policyv1.PodDisruptionBudgetList{}
	return list, c.send(http.MethodGet, "", nil, list)
}

func (c budgetClient) Get(_ context.Context, name string, _ metav1.GetOptions) (*policyv1.PodDisruptionBudget, error) {
	b := &policyv1.PodDisruptionBudget{}
	return b, c.send(http.MethodGet, "/"+name, nil, b)
}

func (c budgetClient) UpdateStatus(_ context.Context, b *policyv1.PodDisruptionBudget, _ metav1.UpdateOptions) (*policyv1.PodDisruptionBudget, error) {
	answer := &policyv1.PodDisruptionBudget{}
	return answer, c.send(http.MethodPut, "/"+b.Name+"/status", b, answer)
}

func (c budgetClient) send(method, path string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req := httptest.NewRequest(method, "/apis/policy/v1/namespaces/"+c.namespace+"/poddisruptionbudgets"+path, bytes.NewReader(text))
	req.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	c.u.handler.ServeHTTP(rec, req)
	if rec.Code >= http.StatusBadRequest {
		var status metav1.Status
		if err := json.Unmarshal(rec.Body.Bytes(), &status); err != nil {
			return err
		}
		return &apierrors.StatusError{ErrStatus: status}
	}
	return json.Unmarshal(rec.Body.Bytes(), answer)
}
