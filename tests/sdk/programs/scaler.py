"""A transformer written for PyPI's kserve, by its public names alone: scales what goes in, names what comes out."""

import argparse

import kserve
import numpy as np
from kserve import InferInput, InferRequest, InferResponse, logging, model_server
from kserve.errors import InvalidInput

SPECIES = ["setosa", "versicolor", "virginica"]


class Scaler(kserve.Model):
    """Takes millimetres, asks the predictor in centimetres, counts the answers."""

    def __init__(self, name: str) -> None:
        super().__init__(name, return_response_headers=True)
        self.ready = True

    def preprocess(self, payload, headers=None):
        if isinstance(payload, InferRequest):
            scaled = payload.inputs[0].as_numpy() / 10
            tensor = InferInput("rows", list(scaled.shape), "FP64")
            tensor.set_data_from_numpy(scaled, binary_data=False)
            return InferRequest(
                model_name=self.name,
                infer_inputs=[tensor],
                request_id=payload.id,
                parameters=payload.parameters,
            )
        if "instances" not in payload:
            raise InvalidInput("no instances")
        return {"instances": (np.array(payload["instances"], dtype=float) / 10).tolist()}

    async def postprocess(self, result, headers=None, response_headers=None):
        response_headers["x-scaled"] = "yes"
        if isinstance(result, InferResponse):
            result.outputs[0].parameters = {"species": SPECIES[int(result.outputs[0].as_numpy()[0])]}
            return result
        return {"predictions": [SPECIES[number] for number in result["predictions"]], "unit": "mm"}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(parents=[model_server.parser])
    arguments, _ = parser.parse_known_args()
    if arguments.configure_logging:
        logging.configure_logging(arguments.log_config_file)
    kserve.ModelServer().start([Scaler(arguments.model_name)])
