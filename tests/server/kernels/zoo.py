"""Small fitted models of every family: string labels, two classes, missing values, several outputs."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import (
    cluster,
    decomposition,
    ensemble,
    linear_model,
    naive_bayes,
    neighbors,
    preprocessing,
    svm,
    tree,
)
from sklearn.datasets import load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline

iris = load_iris()
X = iris.data
GAPS = np.where(np.arange(X.size).reshape(X.shape) % 11 == 0, np.nan, X)
CODED = np.c_[X[:, :3], iris.target]
KIND = iris.target
NAME = iris.target_names[iris.target]
EITHER = iris.target == 1
BOTH = np.c_[KIND, EITHER]
LENGTH = X[:, 0] + X[:, 1]
SIZES = np.c_[LENGTH, X[:, 2]]

FOREST = {"n_estimators": 15, "random_state": 0}
BOOSTED = {"max_iter": 12, "random_state": 0}
STAGED = {"n_estimators": 12, "random_state": 0}
NET = {"hidden_layer_sizes": (8, 5), "max_iter": 30, "random_state": 0}

# Every method of each of these must be answered by a kernel.
KNOWN: dict[str, Callable[[], Any]] = {
    "logistic": lambda: linear_model.LogisticRegression(max_iter=300).fit(X, KIND),
    "logistic names": lambda: linear_model.LogisticRegression(max_iter=300).fit(X, NAME),
    "logistic binary": lambda: linear_model.LogisticRegression(max_iter=300).fit(X, EITHER),
    "logistic liblinear": lambda: linear_model.LogisticRegression(solver="liblinear").fit(X, EITHER),
    "logistic narrow": lambda: linear_model.LogisticRegression(max_iter=300).fit(X.astype("f4"), KIND),
    "linear svc": lambda: svm.LinearSVC().fit(X, NAME),
    "sgd log loss": lambda: linear_model.SGDClassifier(loss="log_loss", random_state=0).fit(X, KIND),
    "sgd hinge": lambda: linear_model.SGDClassifier(random_state=0).fit(X, EITHER),
    "ridge classifier": lambda: linear_model.RidgeClassifier().fit(X, NAME),
    "least squares": lambda: linear_model.LinearRegression().fit(X, LENGTH),
    "least squares two outputs": lambda: linear_model.LinearRegression().fit(X, SIZES),
    "ridge": lambda: linear_model.Ridge().fit(X, LENGTH),
    "lasso": lambda: linear_model.Lasso(alpha=0.01).fit(X, LENGTH),
    "elastic net": lambda: linear_model.ElasticNet(alpha=0.01).fit(X, SIZES),
    "sgd regressor": lambda: linear_model.SGDRegressor(random_state=0).fit(X, LENGTH),
    "poisson": lambda: linear_model.PoissonRegressor().fit(X, LENGTH),
    "linear svr": lambda: svm.LinearSVR(random_state=0).fit(X, LENGTH),
    "svc": lambda: svm.SVC().fit(X, NAME),
    "svc binary": lambda: svm.SVC(kernel="linear").fit(X, EITHER),
    "svc one against one": lambda: svm.SVC(decision_function_shape="ovo").fit(X, KIND),
    "nu svc": lambda: svm.NuSVC(kernel="poly").fit(X, KIND),
    "svr": lambda: svm.SVR().fit(X, LENGTH),
    "one class": lambda: svm.OneClassSVM().fit(X),
    "tree": lambda: tree.DecisionTreeClassifier(random_state=0).fit(X, NAME),
    "tree with gaps": lambda: tree.DecisionTreeClassifier(random_state=0).fit(GAPS, KIND),
    "tree two outputs": lambda: tree.DecisionTreeClassifier(random_state=0).fit(X, BOTH),
    "tree regressor": lambda: tree.DecisionTreeRegressor(random_state=0).fit(X, SIZES),
    "forest": lambda: ensemble.RandomForestClassifier(**FOREST).fit(X, NAME),
    "forest of one": lambda: ensemble.RandomForestClassifier(n_estimators=1, random_state=0).fit(X, KIND),
    "forest in threads": lambda: ensemble.RandomForestClassifier(**FOREST, n_jobs=2).fit(X, KIND),
    "forest with gaps": lambda: ensemble.RandomForestClassifier(**FOREST).fit(GAPS, EITHER),
    "forest two outputs": lambda: ensemble.RandomForestClassifier(**FOREST).fit(X, BOTH),
    "forest regressor": lambda: ensemble.RandomForestRegressor(**FOREST).fit(X, LENGTH),
    "forest regressor two outputs": lambda: ensemble.RandomForestRegressor(**FOREST).fit(X, SIZES),
    "extra trees": lambda: ensemble.ExtraTreesClassifier(**FOREST).fit(X, KIND),
    "histogram": lambda: ensemble.HistGradientBoostingClassifier(**BOOSTED).fit(X, NAME),
    "histogram with gaps": lambda: ensemble.HistGradientBoostingClassifier(**BOOSTED).fit(GAPS, EITHER),
    "histogram categories": lambda: ensemble.HistGradientBoostingClassifier(
        **BOOSTED, categorical_features=[3]
    ).fit(CODED, EITHER),
    "histogram regressor": lambda: ensemble.HistGradientBoostingRegressor(**BOOSTED).fit(GAPS, LENGTH),
    "histogram poisson": lambda: ensemble.HistGradientBoostingRegressor(**BOOSTED, loss="poisson").fit(
        X, LENGTH
    ),
    "boosting": lambda: ensemble.GradientBoostingClassifier(**STAGED).fit(X, NAME),
    "boosting binary": lambda: ensemble.GradientBoostingClassifier(**STAGED).fit(X, EITHER),
    "boosting regressor": lambda: ensemble.GradientBoostingRegressor(**STAGED).fit(X, LENGTH),
    "k-means": lambda: cluster.KMeans(3, n_init=1, random_state=0).fit(X),
    "k-nn": lambda: neighbors.KNeighborsClassifier().fit(X, NAME),
    "k-nn by distance": lambda: neighbors.KNeighborsClassifier(weights="distance").fit(X, KIND),
    "k-nn regressor": lambda: neighbors.KNeighborsRegressor(algorithm="ball_tree").fit(X, SIZES),
    "gaussian bayes": lambda: naive_bayes.GaussianNB().fit(X, NAME),
    "multinomial bayes": lambda: naive_bayes.MultinomialNB().fit(X, KIND),
    "bernoulli bayes": lambda: naive_bayes.BernoulliNB(binarize=3.0).fit(X, KIND),
    "perceptron": lambda: MLPClassifier(**NET).fit(X, NAME),
    "perceptron binary": lambda: MLPClassifier(**NET, activation="tanh").fit(X, EITHER),
    "perceptron regressor": lambda: MLPRegressor(**NET, activation="logistic").fit(X, SIZES),
    "standard scaler": lambda: preprocessing.StandardScaler().fit(X),
    "min-max scaler": lambda: preprocessing.MinMaxScaler(clip=True).fit(X),
    "robust scaler": lambda: preprocessing.RobustScaler().fit(X),
    "imputer": lambda: SimpleImputer().fit(GAPS),
    "principal components": lambda: decomposition.PCA(2, whiten=True).fit(X),
    "scaled logistic": lambda: make_pipeline(
        preprocessing.StandardScaler(), linear_model.LogisticRegression(max_iter=300)
    ).fit(X, NAME),
    "imputed svc": lambda: make_pipeline(
        SimpleImputer(), preprocessing.MinMaxScaler(), decomposition.PCA(2), svm.SVC()
    ).fit(GAPS, NAME),
    "polynomial": lambda: make_pipeline(
        preprocessing.PolynomialFeatures(), linear_model.LinearRegression()
    ).fit(X, LENGTH),
    "grid search": lambda: GridSearchCV(
        linear_model.LogisticRegression(max_iter=300), {"C": [0.1, 1.0]}, cv=2
    ).fit(X, KIND),
}

# None of these has a kernel for any method, or one only for some.
UNKNOWN: dict[str, Callable[[], Any]] = {
    "discriminant": lambda: LinearDiscriminantAnalysis().fit(X, KIND),
    "ada boost": lambda: ensemble.AdaBoostClassifier(n_estimators=5, random_state=0).fit(X, KIND),
    "brute k-nn": lambda: neighbors.KNeighborsClassifier(algorithm="brute").fit(X, KIND),
    "multilabel perceptron": lambda: MLPClassifier(**NET).fit(X, np.c_[EITHER, KIND == 2]),
    "svc with a function": lambda: svm.SVC(kernel=lambda a, b: a @ b.T).fit(X, KIND),
    "voting": lambda: ensemble.VotingClassifier([("one", naive_bayes.GaussianNB()), ("two", svm.SVC())]).fit(
        X, KIND
    ),
}


def fitted(name: str) -> Any:
    """Return the model of that name, quietly."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {**KNOWN, **UNKNOWN}[name]()
